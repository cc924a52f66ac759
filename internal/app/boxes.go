package app

import "github.com/chorsu/chorsu/internal/sandbox"

// Boxes are what the sandbox plays besides the companies: devices that stand in a shop.
func Boxes() []sandbox.Company { return nil }
