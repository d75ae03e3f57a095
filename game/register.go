package game

import (
	"fmt"
	"reflect"

	"gameserver/game/snap"
)

// Registry is where games are registered: the server.
type Registry interface{ RegisterGame(d *Definition) }

// Definition is a registered game with its types erased.
type Definition struct {
	Name   string
	Rules  Rules // with the defaults filled in
	Schema snap.Schema
	Input  []InputField // in order of declaration
	// Compact is the compact form of inputs: [name, kind] for each field.
	Compact [][]any

	create func(seed uint64) Driver
}

// New makes a match of the game. Its random source is seeded with seed.
func (d *Definition) New(seed uint64) Driver { return d.create(seed) }

// Register makes a game known under a name. mk returns a new game, a pointer to
// a struct, for each match. A mistake in the game's types or in its rules panics
// with one sentence that says where.
func Register[G Stepper[I], I any](r Registry, name string, mk func() G, rules Rules) {
	plan, err := compile[G, I](name, mk, rules)
	if err != nil {
		panic(fmt.Sprintf("game %q: %v", name, err))
	}
	r.RegisterGame(plan.def)
}

// plan is what the types of a game say, worked out once.
type plan struct {
	def   *Definition
	sets  []setPlan
	input *codec
}

func compile[G Stepper[I], I any](name string, mk func() G, rules Rules) (*plan, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	rewinds := rules.Rewind > 0
	rules, err := rules.withDefaults()
	if err != nil {
		return nil, err
	}
	if mk == nil {
		return nil, fmt.Errorf("there is no function that makes it")
	}
	t := reflect.TypeFor[G]()
	if t.Kind() != reflect.Pointer || t.Elem().Kind() != reflect.Struct {
		return nil, fmt.Errorf("%v is not a pointer to a struct", t)
	}
	if err := checkMethods[G, I](); err != nil {
		return nil, err
	}
	if rules.Bots && !t.Implements(reflect.TypeFor[Botter[I]]()) {
		return nil, fmt.Errorf("Rules.Bots is set, but there is no method Bot to play them")
	}
	sets, err := findSets(t.Elem())
	if err != nil {
		return nil, err
	}
	if err := checkViews(rules, rewinds, sets, t); err != nil {
		return nil, err
	}
	input, err := newCodec(reflect.TypeFor[I]())
	if err != nil {
		return nil, err
	}
	p := &plan{sets: sets, input: input}
	p.def = &Definition{
		Name: name, Rules: rules, Schema: schemaOf(sets), Input: describeInput(reflect.TypeFor[I]()),
		Compact: input.wire(),
	}
	p.def.create = func(seed uint64) Driver { return newDriver[G, I](p, mk(), seed) }
	return p, nil
}

func checkName(name string) error {
	if name == "" || len(name) > NameBytesMax {
		return fmt.Errorf("the name must have 1 to %d bytes", NameBytesMax)
	}
	for _, c := range name {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return fmt.Errorf("the name may hold a-z, 0-9, - and _ only")
		}
	}
	return nil
}

// checkMethods refuses a method that is named like a capability but has another
// signature and so would never be called.
func checkMethods[G Stepper[I], I any]() error {
	t := reflect.TypeFor[G]()
	for _, want := range []reflect.Type{
		reflect.TypeFor[Initer](), reflect.TypeFor[Joiner](), reflect.TypeFor[Dropper](),
		reflect.TypeFor[Resumer](), reflect.TypeFor[Leaver](), reflect.TypeFor[Handler](),
		reflect.TypeFor[Botter[I]](), reflect.TypeFor[Worlder](), reflect.TypeFor[Sparer](), reflect.TypeFor[Closer](),
		reflect.TypeFor[Eyer](), reflect.TypeFor[Seer](),
	} {
		method := want.Method(0)
		if _, ok := t.MethodByName(method.Name); ok && !t.Implements(want) {
			return fmt.Errorf("method %s would never be called: it must be %v", method.Name, method.Type)
		}
	}
	return nil
}
