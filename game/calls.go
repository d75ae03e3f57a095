package game

// The optional methods of a game, called where it has them.

func (d *driver[G, I]) Init() error {
	if d.can.initer == nil {
		return nil
	}
	return d.can.initer.Init(&d.match)
}

func (d *driver[G, I]) Join(p *Player) error {
	if d.can.joiner == nil {
		return nil
	}
	return d.can.joiner.Join(&d.match, p)
}

func (d *driver[G, I]) Drop(p *Player) {
	if d.can.dropper != nil {
		d.can.dropper.Drop(&d.match, p)
	}
}

func (d *driver[G, I]) Resume(p *Player) {
	if d.can.resumer != nil {
		d.can.resumer.Resume(&d.match, p)
	}
}

func (d *driver[G, I]) Leave(p *Player, why Reason) {
	if d.can.leaver != nil {
		d.can.leaver.Leave(&d.match, p, why)
	}
}

func (d *driver[G, I]) Handle(p *Player, ev string, a Args) (any, error) {
	if d.can.handler == nil {
		return nil, &Error{Code: CodeNotFound, Msg: "the game takes no requests"}
	}
	return d.can.handler.Handle(&d.match, p, ev, a)
}

func (d *driver[G, I]) World() any {
	if d.can.worlder == nil {
		return nil
	}
	return d.can.worlder.World(&d.match)
}

func (d *driver[G, I]) Quality(level int) {
	if d.can.sparer != nil {
		d.can.sparer.Quality(&d.match, level)
	}
}

func (d *driver[G, I]) Close(why Reason) any {
	if d.can.closer == nil {
		return nil
	}
	return d.can.closer.Close(&d.match, why)
}
