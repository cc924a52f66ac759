package app

import (
	"github.com/chorsu/chorsu/internal/sandbox"
	"github.com/chorsu/chorsu/internal/till/devices"
	fboxsim "github.com/chorsu/chorsu/internal/till/fbox/sim"
)

// Boxes are what the sandbox plays besides the companies: devices that stand in a shop.
func Boxes() []sandbox.Company {
	return []sandbox.Company{{Name: "fbox", New: fboxsim.New}}
}

// Pinpads are the terminals that a sandbox of its own plays for tills. zvt is nil where there was no
// port for it.
func Pinpads(zvt *devices.ZVT) []sandbox.Company {
	out := []sandbox.Company{{Name: "arcus2", New: devices.NewArcus2}}
	if zvt != nil {
		out = append(out, sandbox.Company{Name: "zvt", New: zvt.New})
	}
	return out
}
