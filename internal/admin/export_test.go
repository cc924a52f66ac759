package admin

import (
	"time"

	"github.com/chorsu/chorsu/internal/staff"
)

// Route is a route as the tests walk it.
type Route struct {
	Pattern string
	Least   staff.Role
}

// Routes are all of them.
func Routes() (list []Route) {
	for _, r := range new(admin).routes() {
		list = append(list, Route{r.pattern, r.least})
	}
	return list
}

// OptionNames are the settings that the form of a merchant has fields for.
func OptionNames() (list []string) {
	for _, o := range merchantOptions {
		list = append(list, o.name)
	}
	return list
}

// DoorsPerMinute is how often a network may knock.
const DoorsPerMinute = doorsPerMinute

// LooksKept is how many looks are remembered after so many different ones.
func LooksKept(many int) int {
	var l looks
	for i := range many {
		l.note([32]byte{byte(i), byte(i >> 8), byte(i >> 16)}, time.Now())
	}
	return len(l.seen)
}

// LooksMost bounds it.
const LooksMost = looksMost
