package sim

import "github.com/chorsu/chorsu/internal/provider/simulator"

// Shown tells how a code stands.
func (b *bank) Shown(text string) simulator.Code { return b.codes.Look(text, b.world.Now()) }

var _ simulator.Wallet = (*bank)(nil)
