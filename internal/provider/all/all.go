// Package all is the one list of providers. A provider is added by adding its line here.
package all

import (
	"github.com/chorsu/chorsu/internal/provider"
	"github.com/chorsu/chorsu/internal/provider/click"
	clicksim "github.com/chorsu/chorsu/internal/provider/click/sim"
	"github.com/chorsu/chorsu/internal/provider/multicard"
	multicardsim "github.com/chorsu/chorsu/internal/provider/multicard/sim"
	"github.com/chorsu/chorsu/internal/provider/payme"
	paymesim "github.com/chorsu/chorsu/internal/provider/payme/sim"
	"github.com/chorsu/chorsu/internal/provider/simulator"
	"github.com/chorsu/chorsu/internal/provider/uzum"
	uzumsim "github.com/chorsu/chorsu/internal/provider/uzum/sim"
)

// Entry is one provider: our side, and the company's own for the sandbox.
type Entry struct {
	Provider  provider.Provider
	Simulator func(*simulator.World) simulator.Simulator
}

// List is every provider, in the order in which people meet them.
func List() []Entry {
	return []Entry{
		{multicard.New(), multicardsim.New},
		{click.New(), clicksim.New},
		{payme.New(), paymesim.New},
		{uzum.New(), uzumsim.New},
	}
}
