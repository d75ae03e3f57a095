package lobby

import (
	"container/heap"
	"time"
)

// alarm is a moment at which something of one owner can change. An owner keeps
// its alarms for life and sets or clears them; none is ever duplicated.
type alarm struct {
	at    time.Time
	wake  func(now time.Time)
	index int // position in the heap plus one; 0 when not set
}

// alarms is a heap of those that are set, the next first.
type alarms struct{ heap alarmHeap }

// set moves a to the given time.
func (s *alarms) set(a *alarm, at time.Time) {
	a.at = at
	if a.index > 0 {
		heap.Fix(&s.heap, a.index-1)
		return
	}
	heap.Push(&s.heap, a)
}

// clear takes a off, if it is set.
func (s *alarms) clear(a *alarm) {
	if a.index > 0 {
		heap.Remove(&s.heap, a.index-1)
	}
}

// next returns the time of the first alarm.
func (s *alarms) next() (at time.Time, ok bool) {
	if len(s.heap) == 0 {
		return time.Time{}, false
	}
	return s.heap[0].at, true
}

// fire clears and wakes every alarm that is due. An alarm set again by its own
// wake must be later than now.
func (s *alarms) fire(now time.Time) {
	for len(s.heap) > 0 && !s.heap[0].at.After(now) {
		a := s.heap[0]
		heap.Pop(&s.heap)
		a.wake(now)
	}
}

type alarmHeap []*alarm

// Len implements heap.Interface.
func (h *alarmHeap) Len() int { return len(*h) }

// Less implements heap.Interface.
func (h *alarmHeap) Less(i, j int) bool { return (*h)[i].at.Before((*h)[j].at) }

// Swap implements heap.Interface.
func (h *alarmHeap) Swap(i, j int) {
	a := *h
	a[i], a[j] = a[j], a[i]
	a[i].index, a[j].index = i+1, j+1
}

// Push implements heap.Interface.
func (h *alarmHeap) Push(x any) {
	a, ok := x.(*alarm)
	if !ok {
		panic("lobby: not an alarm")
	}
	*h = append(*h, a)
	a.index = len(*h)
}

// Pop implements heap.Interface.
func (h *alarmHeap) Pop() any {
	old := *h
	a := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	a.index = 0
	return a
}
