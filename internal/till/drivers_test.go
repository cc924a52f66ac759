package till

import (
	"os"
	"path/filepath"
	"testing"
)

// One device has one key, however it is spelled, and two have two.
func TestDeviceKey(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	if err := os.Symlink(dir, filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	arcus := func(dir string) Terminal { return Terminal{Driver: "arcus2", Options: map[string]string{"dir": dir}} }
	for _, same := range [][]Terminal{
		{arcus(dir), arcus(dir + "/"), arcus(dir + "/../" + filepath.Base(dir)), arcus("."), arcus("link"), arcus("./link/")},
		{{Driver: "zvt", Address: "127.0.0.1:20007"}, {Driver: "zvt", Address: "localhost:20007"}, {Driver: "zvt", Address: "LocalHost:020007"}, {Driver: "zvt", Address: "[::ffff:127.0.0.1]:20007"}},
		{{Driver: "fbox", Address: "http://10.0.0.9"}, {Driver: "fbox", Address: "HTTP://10.0.0.9/"}},
		{{Driver: "fbox", Address: "http://box.shop:80/api"}, {Driver: "fbox", Address: "http://BOX.shop:80/api/"}},
	} {
		for _, other := range same {
			if a, b := deviceKey("xumo", same[0]), deviceKey("xumo", other); a != b {
				t.Errorf("%+v and %+v are two: %s, %s", same[0], other, a, b)
			}
		}
	}
	seen := map[string]Terminal{}
	for _, other := range []Terminal{
		arcus(dir), arcus(filepath.Join(dir, "other")), {Driver: "zvt", Address: "127.0.0.1:20007"}, {Driver: "zvt", Address: "127.0.0.2:20007"}, {Driver: "zvt", Address: "127.0.0.1:20008"},
		{Driver: "fbox", Address: "http://127.0.0.1:20007"}, {Driver: "fbox", Address: "http://127.0.0.1:20007/Box"}, {Driver: "fbox", Address: "http://127.0.0.1:20007/box"},
	} {
		key := deviceKey("xumo", other)
		if twin, taken := seen[key]; taken {
			t.Errorf("%+v and %+v are one: %s", twin, other, key)
		}
		seen[key] = other
	}
}
