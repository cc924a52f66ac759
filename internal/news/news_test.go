package news

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// A thousand open pages cost no more looks than the limit, and a crowd before one subject costs
// one look a second.
func TestLooksAreBounded(t *testing.T) {
	for _, c := range []struct{ subjects, each, most, least int }{
		{1, 50, 62, 55},
		{1000, 1, 60*PerSecond + 2, 55 * PerSecond},
	} {
		synctest.Test(t, func(t *testing.T) {
			var looked atomic.Int64
			n := New(func(context.Context, string) (string, error) { looked.Add(1); return "s", nil })
			type seat struct {
				id     string
				states chan string
			}
			var seats []seat
			for i := range c.subjects {
				for range c.each {
					id := fmt.Sprint(i)
					states, ok := n.join(id)
					if !ok {
						t.Fatal("no room")
					}
					seats = append(seats, seat{id, states})
				}
			}
			if c.each == maxPerSubject {
				if _, ok := n.join("0"); ok {
					t.Error("one subject takes every stream")
				}
			}
			time.Sleep(time.Minute)
			synctest.Wait()
			if looks := int(looked.Load()); looks > c.most || looks < c.least {
				t.Errorf("%d subjects: %d looks a minute", c.subjects, looks)
			}
			for _, s := range seats {
				select {
				case <-s.states:
				default:
					t.Fatal("somebody was told nothing")
				}
				n.leave(s.id, s.states)
			}
			synctest.Wait()
			time.Sleep(time.Minute)
			n.mu.Lock()
			defer n.mu.Unlock()
			if n.running || n.streams != 0 || len(n.viewers) != 0 {
				t.Error("it still looks, though nobody does")
			}
		})
	}
}
