//go:build !unix

package server

import "os"

func notifyResize(chan<- os.Signal) {}

func terminalSize(*os.File) (width, height int) { return fallbackW, fallbackH }
