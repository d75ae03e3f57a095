package match

// arrive prepares for a player who comes to the match or back to it: a world that
// is too large for one snapshot comes in several, one a tick, what is near first.
func (m *Match) arrive(s *seat) {
	s.joining = m.tick + m.rules.Ticks(JoinTime)
	if s.view.Priority == nil {
		s.view.Priority = m.nearFirst(s)
	}
}

// arriving reports whether a seat is still to be told of entities that it sees.
func (s *seat) arriving(tick uint32) bool { return tick < s.joining }

// arrived ends that when the link has taken the last of them.
func (s *seat) arrived() {
	if s.joining != 0 && !s.view.Waits() {
		s.joining = 0
	}
}

// budget is how many bytes of entities a seat's snapshot may hold, 0: any number.
func (m *Match) budget(s *seat) int {
	if s.arriving(m.tick) {
		return max(m.rules.Interest.Budget, JoinBytes)
	}
	return m.rules.Interest.Budget
}

// nearFirst weighs entities for a seat: its own most, others the more the nearer
// they are. What has no place weighs as much as what is one unit away.
func (m *Match) nearFirst(s *seat) func(set, slot int) float32 {
	views, sets := m.drv.Views(), m.cfg.Def.Schema.Sets
	place := func(set, slot int) (x, y float32, ok bool) {
		if set < 0 || views[set].X < 0 || views[set].Y < 0 {
			return 0, 0, false
		}
		v, fields := views[set], sets[set].Fields
		x = float32(fields[v.X].Value(m.world.Column(set, v.X)[slot]))
		y = float32(fields[v.Y].Value(m.world.Column(set, v.Y)[slot]))
		return x, y, true
	}
	return func(set, slot int) float32 {
		own, at := m.drv.Where(s.player.ID)
		if set == own && slot == at {
			return ownWeight
		}
		x, y, ok := place(set, slot)
		fromX, fromY, here := s.eye.at.X, s.eye.at.Y, s.eye.has
		if !here {
			fromX, fromY, here = place(own, at)
		}
		if !ok || !here {
			return 0.5
		}
		dx, dy := x-fromX, y-fromY
		return 1 / (1 + dx*dx + dy*dy)
	}
}
