package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"gameserver/server/flight"
)

// Exit codes of Main.
const (
	exitOK     = 0
	exitFailed = 1 // broke while running
	exitUsage  = 2 // could not start as asked: flag, port, certificate
)

// commands are the first words that Main knows; without one it serves.
var commands = [...]string{"serve", "types", "ticks", "trace"}

const description = `Runs an authoritative game server: players are matched in a lobby, play in a
room that ticks at a fixed rate, and speak Socket.IO.

Every flag can be set by the environment variable behind it.

Examples:

    {name}                                     play at http://localhost:3000
    {name} --listen 127.0.0.1:8080             only from this machine
    {name} --tls-cert c.pem --tls-key k.pem    with TLS
    {name} --origin https://play.example.com   a page from elsewhere may connect
    {name} --profile cpu --profile-dir /tmp    write /tmp/cpu.pprof at the end
    {name} types --out protocol.d.ts           the events as TypeScript, for clients
    {name} ticks                               watch the ticks of a running server
    {name} trace --only-ticks-over 8ms         where its slow ticks spend their time

Ctrl-C ends matches in order; a second Ctrl-C ends at once.`

// cli is the command line.
type cli struct {
	Version kong.VersionFlag `help:"Print the version and exit." env:"-"`
	Serve   serveFlags       `cmd:"" help:"Run the server (what happens without a command)."`
	Ticks   ticksFlags       `cmd:"" help:"Watch the ticks of a running server: how late, how long, and why."`
	Trace   traceFlags       `cmd:"" help:"Take an execution trace of a running server, or say where its slow ticks spend their time."`
	Types   typesFlags       `cmd:"" help:"Write TypeScript declarations of every event and game, for socket.io-client."`
}

// typesFlags are the flags of types.
type typesFlags struct {
	Out string `placeholder:"FILE" help:"Where to write; standard output if empty."`

	kong.Plugins // Config.Flags: games may depend on them
}

// serveFlags are the flags of serve.
type serveFlags struct {
	Listen  string   `group:"Network" default:"${listen}" placeholder:"ADDR" help:"Address for players (${default})."`
	TLSCert string   `group:"Network" name:"tls-cert" placeholder:"FILE" help:"Certificate chain, PEM; together with --tls-key."`
	TLSKey  string   `group:"Network" name:"tls-key" placeholder:"FILE" help:"Private key, PEM."`
	Origin  []string `group:"Network" sep:"," placeholder:"URL" help:"Let pages of this origin connect; repeatable; * lets all. Pages of this host always may."`

	TrustedProxy []netip.Prefix `group:"Network" sep:"," placeholder:"CIDR" help:"Believe X-Forwarded-For of proxies in this network, such as 10.0.0.0/8; repeatable."`

	QueueFill    time.Duration `group:"Matches" default:"${queuefill}" placeholder:"TIME" help:"Start with who is there, bots filling up, after this wait (${default})."`
	DrainTimeout time.Duration `group:"Matches" default:"${drain}" placeholder:"TIME" help:"How long an orderly end may take (${default})."`

	kong.Plugins // Config.Flags

	Admin      string        `group:"Operation" default:"${admin}" placeholder:"ADDR" help:"Address for /metrics, /debug/pprof, /healthz and /readyz (${default}); empty for none."`
	AdminToken string        `group:"Operation" placeholder:"TOKEN" help:"Ask for this token on the admin address; needed when that is not loopback."`
	Secret     string        `group:"Operation" placeholder:"TEXT" help:"Seals session and seat tokens, 16 bytes at least; random when empty, and sessions end with the process."`
	CrashDir   string        `group:"Operation" default:"${crashdir}" placeholder:"DIR" help:"Where to write what is known about a match that failed (${default}); empty for nowhere."`
	TraceDir   string        `group:"Operation" default:"${tracedir}" placeholder:"DIR" help:"Where to save what led to a late tick (${default}); empty for nowhere."`
	TraceOver  time.Duration `group:"Operation" default:"0" placeholder:"TIME" help:"How late or long a tick must be for that; one period of its match if 0."`
	TraceEvery time.Duration `group:"Operation" default:"${traceevery}" placeholder:"TIME" help:"Shortest time between two saves, unless the second is twice as bad (${default})."`
	LogLevel   string        `group:"Operation" default:"info" enum:"debug,info,warn,error" placeholder:"LEVEL" help:"debug, info, warn or error (${default})."`
	LogFormat  string        `group:"Operation" default:"auto" enum:"auto,text,json" placeholder:"FORMAT" help:"auto, text or json (${default}: text on a terminal)."`

	Realtime bool `group:"Operation" help:"Tick matches on threads of real-time priority, ahead of all else on the machine; the log says so when the system refuses that."`

	Profile    string `group:"Profiling" default:"" enum:",cpu,mem,block,mutex,goroutine,trace" placeholder:"KIND" help:"Write a profile of the whole run: cpu, mem, block, mutex, goroutine or trace."`
	ProfileDir string `group:"Profiling" default:"." placeholder:"DIR" help:"Where to write it (${default})."`
}

// usageError is a reason why the server could not start as asked.
type usageError struct{ err error }

func (e usageError) Error() string { return e.err.Error() }
func (e usageError) Unwrap() error { return e.err }

func usage(format string, args ...any) error {
	return usageError{fmt.Errorf(format, args...)}
}

// Main runs the command line of a game server and exits the process: 0 after
// an orderly end, 2 when it could not start as asked, 1 when it broke later.
func (s *Server) Main() {
	os.Exit(s.main(os.Args, os.Stdout, os.Stderr))
}

// main is Main without the exit.
func (s *Server) main(args []string, stdout, stderr io.Writer) int {
	name := filepath.Base(args[0])
	var flags cli
	code, done := s.parse(name, args[1:], &flags, stdout, stderr)
	if done {
		return code
	}
	err := s.command(name, args, &flags, stdout, stderr)
	if err == nil {
		return exitOK
	}
	_, _ = fmt.Fprintf(stderr, "%s: %v\n", name, oneLine(err))
	var u usageError
	if errors.As(err, &u) {
		return exitUsage
	}
	return exitFailed
}

// command runs what the first word asks for.
func (s *Server) command(name string, args []string, flags *cli, stdout, stderr io.Writer) error {
	word := ""
	if len(args) > 1 {
		word = args[1]
	}
	switch word {
	case "types":
		return s.writeTypes(name, flags.Types.Out, stdout)
	case "ticks", "trace":
		ctx, cancel := untilSignal()
		defer cancel()
		if word == "ticks" {
			return watchTicks(ctx, &flags.Ticks, stdout)
		}
		return orderly(runTrace(ctx, &flags.Trace, stdout))
	default:
		return s.serve(&flags.Serve, stdout, stderr)
	}
}

// parse reads the command line; done says that there is nothing left to do.
func (s *Server) parse(name string, args []string, flags *cli, stdout, stderr io.Writer) (code int, done bool) {
	if s.cfg.Flags != nil {
		flags.Serve.Plugins = kong.Plugins{s.cfg.Flags}
		flags.Types.Plugins = kong.Plugins{s.cfg.Flags}
	}
	if !hasCommand(args) {
		args = append([]string{"serve"}, args...)
	}
	exit := func(c int) { code, done = c, true }
	parser, err := kong.New(flags,
		kong.Name(name),
		kong.Description(strings.ReplaceAll(description, "{name}", name)),
		kong.DefaultEnvars("GAMESERVER"),
		kong.Writers(stdout, stderr),
		kong.Exit(exit),
		kong.Vars{
			"version":    version(s.cfg.Version),
			"listen":     s.cfg.Listen,
			"admin":      s.cfg.Admin,
			"queuefill":  s.cfg.QueueFill.String(),
			"drain":      s.cfg.DrainTimeout.String(),
			"crashdir":   folder(s.cfg.CrashDir, "crashes"),
			"traceevery": flight.DefaultEvery.String(),
			"tracedir":   folder(s.cfg.TraceDir, "traces"),
		},
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100}),
		kong.Help(help),
	)
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "%s: %v\n", name, oneLine(err))
		return exitUsage, true
	}
	_, err = parser.Parse(args)
	if done {
		return code, true
	}
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "%s: %v (see %s --help)\n", name, oneLine(err), name)
		return exitUsage, true
	}
	return exitOK, false
}

// folder is where Main writes files without the flag.
func folder(given, kind string) string {
	if given != "" {
		return given
	}
	return filepath.Join(os.TempDir(), "gameserver-"+kind)
}

// help prints what the program is before what serve can do: serve is what
// happens without a command, so its flags are the program's.
func help(options kong.HelpOptions, ctx *kong.Context) error {
	if node := ctx.Selected(); node != nil && node.Name == "serve" {
		node.Detail = ctx.Model.Help
	}
	return kong.DefaultHelpPrinter(options, ctx)
}

// hasCommand reports whether the command line starts with a command.
func hasCommand(args []string) bool {
	return len(args) > 0 && slices.Contains(commands[:], args[0])
}

// serve runs the server until a signal.
func (s *Server) serve(f *serveFlags, stdout, stderr io.Writer) error {
	s.cfg.Listen, s.cfg.Admin, s.cfg.AdminToken = f.Listen, f.Admin, f.AdminToken
	s.cfg.TLSCert, s.cfg.TLSKey = f.TLSCert, f.TLSKey
	s.cfg.Origins = f.Origin
	s.cfg.TrustedProxies = f.TrustedProxy
	s.cfg.QueueFill, s.cfg.DrainTimeout = f.QueueFill, f.DrainTimeout
	s.cfg.CrashDir = f.CrashDir
	s.cfg.TraceDir, s.cfg.TraceOver, s.cfg.TraceEvery = f.TraceDir, f.TraceOver, f.TraceEvery
	s.cfg.Realtime = f.Realtime || s.cfg.Realtime
	if f.Secret != "" {
		s.cfg.Secret = []byte(f.Secret)
	}
	s.setLogger(newLogger(stderr, f.LogLevel, f.LogFormat))
	if s.cfg.QueueFill <= 0 || s.cfg.DrainTimeout <= 0 {
		return usage("--queue-fill and --drain-timeout must be positive")
	}
	if s.cfg.TraceOver < 0 || s.cfg.TraceEvery <= 0 {
		return usage("--trace-over must not be negative, and --trace-every must be positive")
	}
	if err := s.setup(); err != nil {
		return usageError{err}
	}
	s.profiling = f.Profile != ""
	stop, err := startProfile(f.Profile, f.ProfileDir)
	if err != nil {
		return err
	}
	defer stop()

	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	// After the first signal the next one has its default effect.
	defer context.AfterFunc(ctx, cancel)()
	s.cfg.ready = func(url string) {
		_, _ = fmt.Fprintf(stdout, "ready: open %s in a browser\n", url)
	}
	return s.Run(ctx)
}

// writeTypes writes the declarations of the server's events.
func (s *Server) writeTypes(name, file string, stdout io.Writer) error {
	if err := s.setup(); err != nil {
		return usageError{err}
	}
	text := s.declarations("`" + name + " types`")
	if file == "" {
		_, err := stdout.Write(text)
		return err
	}
	if err := os.WriteFile(file, text, 0o644); err != nil { //nolint:gosec // source code for everybody
		return usageError{fmt.Errorf("--out: %w", err)}
	}
	return nil
}

// setup calls Config.Setup. Rules that cannot be make game.Register panic with
// a sentence; here they came from flags.
func (s *Server) setup() (err error) {
	if s.cfg.Setup == nil {
		return nil
	}
	defer func() {
		switch v := recover().(type) {
		case nil:
		case string:
			err = errors.New(v)
		default:
			panic(v)
		}
	}()
	return s.cfg.Setup(s)
}

// newLogger returns the logger that the flags describe.
func newLogger(w io.Writer, level, format string) *slog.Logger {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		l = slog.LevelInfo
	}
	options := &slog.HandlerOptions{Level: l}
	if format == "text" || format == "auto" && isTerminal(w) {
		return slog.New(slog.NewTextHandler(w, options))
	}
	return slog.New(slog.NewJSONHandler(w, options))
}

// isTerminal reports whether people read w as it is written.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&fs.ModeCharDevice != 0
}

// version returns the given version, or what the build knows.
func version(given string) string {
	if given != "" {
		return given
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	v := info.Main.Version
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && (v == "" || v == "(devel)") {
			v = "devel " + s.Value[:min(12, len(s.Value))]
		}
	}
	return v + " " + info.GoVersion
}

// oneLine keeps an error to one line.
func oneLine(err error) string {
	return strings.Join(strings.Fields(err.Error()), " ")
}

// listenError says what to do about an address that cannot be bound.
func listenError(flag, addr string, err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		err = op.Err
	}
	if errors.Is(err, syscall.EADDRINUSE) {
		return usage("%s %s: the address is in use by another process; choose another one", flag, addr)
	}
	return usage("%s %s: %w", flag, addr, err)
}
