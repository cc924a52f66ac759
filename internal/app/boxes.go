package app

import (
	"github.com/chorsu/chorsu/internal/sandbox"
	fboxsim "github.com/chorsu/chorsu/internal/till/fbox/sim"
)

// Boxes are what the sandbox plays besides the companies: devices that stand in a shop.
func Boxes() []sandbox.Company {
	return []sandbox.Company{{Name: "fbox", New: fboxsim.New}}
}
