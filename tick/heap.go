package tick

// slot is a place in a heap; the key is beside the pointer so that comparing
// touches no entry.
type slot struct {
	key int64
	seq uint64 // breaks ties by age, so that a run can be repeated
	e   *Entry
}

func (s slot) before(o slot) bool {
	return s.key < o.key || s.key == o.key && s.seq < o.seq
}

// heap is a 4-ary min-heap of entries. Each entry knows its position, so that it
// can be removed from the middle; it is in one heap at most.
type heap struct {
	slots []slot
}

func (h *heap) len() int { return len(h.slots) }

func (h *heap) push(key int64, e *Entry) {
	h.slots = append(h.slots, slot{key, e.seq, e})
	h.up(len(h.slots) - 1)
}

// pop removes the entry with the smallest key. The heap must not be empty.
func (h *heap) pop() (int64, *Entry) {
	first := h.slots[0]
	h.remove(0)
	return first.key, first.e
}

func (h *heap) remove(i int) {
	last := len(h.slots) - 1
	moved := h.slots[last]
	h.slots[last] = slot{}
	h.slots = h.slots[:last]
	if i == last {
		return
	}
	h.set(i, moved)
	h.down(i)
	h.up(moved.e.pos)
}

func (h *heap) set(i int, s slot) {
	h.slots[i] = s
	s.e.pos = i
}

func (h *heap) up(i int) {
	s := h.slots[i]
	for i > 0 {
		parent := (i - 1) / 4
		if !s.before(h.slots[parent]) {
			break
		}
		h.set(i, h.slots[parent])
		i = parent
	}
	h.set(i, s)
}

func (h *heap) down(i int) {
	s := h.slots[i]
	for {
		child, end := 4*i+1, min(4*i+5, len(h.slots))
		if child >= end {
			break
		}
		for j := child + 1; j < end; j++ {
			if h.slots[j].before(h.slots[child]) {
				child = j
			}
		}
		if !h.slots[child].before(s) {
			break
		}
		h.set(i, h.slots[child])
		i = child
	}
	h.set(i, s)
}
