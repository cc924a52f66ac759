package uzum_test

import (
	"testing"

	"github.com/chorsu/chorsu/internal/provider/providertest"
)

func TestConformance(t *testing.T) {
	providertest.Conform(t, setup(nil), dialect{})
}
