package admin

import "github.com/chorsu/chorsu/internal/staff"

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
