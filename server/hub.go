package server

import (
	"log/slog"
	"slices"
	"sync"

	"gameserver/sio"
)

// hub knows the lobby sockets of each player. It implements lobby.Notifier.
type hub struct {
	log *slog.Logger

	mu      sync.Mutex // guards players; never held across a send
	players map[string][]*sio.Socket
}

func newHub(log *slog.Logger) *hub {
	return &hub{log: log, players: make(map[string][]*sio.Socket)}
}

// add counts one more socket of a player and returns the one that is too many,
// or nil.
func (h *hub) add(player string, sock *sio.Socket) (old *sio.Socket) {
	h.mu.Lock()
	defer h.mu.Unlock()
	list := h.players[player]
	if len(list) >= MaxPlayerSockets {
		old = list[0]
		list = list[1:]
	}
	h.players[player] = append(slices.Clip(list), sock)
	return old
}

// remove forgets a socket.
func (h *hub) remove(player string, sock *sio.Socket) {
	h.mu.Lock()
	defer h.mu.Unlock()
	list := h.players[player]
	if i := slices.Index(list, sock); i >= 0 {
		// A new slice: Notify reads the old one without the lock.
		list = append(slices.Clone(list[:i]), list[i+1:]...)
	}
	if len(list) == 0 {
		delete(h.players, player)
		return
	}
	h.players[player] = list
}

// Notify implements lobby.Notifier.
func (h *hub) Notify(player, event string, payload any) {
	h.mu.Lock()
	list := h.players[player]
	h.mu.Unlock()
	for _, sock := range list {
		if err := sock.Emit(event, payload); err != nil {
			h.log.Debug("lobby event not sent", slog.String("player", player), slog.String("event", event), slog.Any("err", err))
		}
	}
}
