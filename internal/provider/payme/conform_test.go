package payme_test

import (
	"testing"

	"github.com/chorsu/chorsu/internal/provider/providertest"
)

// TestConform runs what every provider must bear, through the real gateway.
func TestConform(t *testing.T) { providertest.Conform(t, setup(), dialect{}) }
