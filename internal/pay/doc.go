// Package pay is the domain of the gateway: money, invoices, payments, refunds,
// merchants and events, and the rules by which they change.
//
// It is plain types and pure functions. It does no I/O and reads no clock: the time of
// a change is a value that the caller gives. Amounts are whole tiyin throughout.
package pay
