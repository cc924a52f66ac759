package multicard_test

import (
	"testing"

	"github.com/chorsu/chorsu/internal/provider/providertest"
)

// What every provider must bear, in Multicard's words.
func TestConformance(t *testing.T) {
	providertest.Conform(t, setup(), dialect{})
}
