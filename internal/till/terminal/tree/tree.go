// Package tree ends a vendor's program together with the programs that it has started: one that is
// left behind would hold the port of a pinpad, or go on with a sale that was given up.
package tree
