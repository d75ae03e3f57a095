package arena

import (
	"cmp"
	"slices"

	"gameserver/game"
)

// Result is what a match ends with: everyone still in it, the best first.
type Result struct {
	Players []Standing `json:"players" check:"required"`
	Winner  game.ID    `json:"winner"` // 0 when nobody scored
}

// Standing is one player's line in a [Result].
type Standing struct {
	ID     game.ID `json:"id"`
	Name   string  `json:"name"`
	Bot    bool    `json:"bot"`
	Kills  int     `json:"kills"`
	Deaths int     `json:"deaths"`
	Score  int     `json:"score"`

	damage uint32
}

// result ranks the players: kills, then fewer deaths, then damage, then id.
func (a *Arena) result(m *game.Match) Result {
	r := Result{Players: make([]Standing, 0, a.Ships.Len())}
	for id, ship := range a.Ships.All() {
		st := Standing{
			ID: id, Kills: int(ship.Kills), Deaths: int(ship.Deaths),
			Score: scorePerKill * int(ship.Kills), damage: ship.damage,
		}
		if p := m.Player(id); p != nil {
			st.Name, st.Bot = p.Name, p.Bot
		}
		r.Players = append(r.Players, st)
	}
	slices.SortFunc(r.Players, func(x, y Standing) int {
		return cmp.Or(
			cmp.Compare(y.Kills, x.Kills),
			cmp.Compare(x.Deaths, y.Deaths),
			cmp.Compare(y.damage, x.damage),
			cmp.Compare(x.ID, y.ID),
		)
	})
	if len(r.Players) > 0 && r.Players[0].Score > 0 {
		r.Winner = r.Players[0].ID
	}
	return r
}
