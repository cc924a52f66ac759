package config

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/joho/godotenv"
)

func TestWriteEnv(t *testing.T) {
	for _, c := range []struct {
		name, before string
		updates      map[string]string
		after        string
	}{
		{"a new file", "", map[string]string{"MASTER_KEY": "k1:abc=", "A": "x y"}, "A='x y'\nMASTER_KEY=k1:abc=\n"},
		{"in its place", "# the port\nPORT=1\n\nHOST=h # inside\n", map[string]string{"PORT": "2"}, "# the port\nPORT=2\n\nHOST=h # inside\n"},
		{"its comment stays", "PORT=1   # ours\n", map[string]string{"PORT": "2"}, "PORT=2 # ours\n"},
		{"after a quoted value too", "KEY=\"a # b\" # ours\n", map[string]string{"KEY": "c"}, "KEY=c # ours\n"},
		{"no comment in a value", "KEY=a#b\n", map[string]string{"KEY": "c"}, "KEY=c\n"},
		{"export, spaces", "export  PORT = 1\n", map[string]string{"PORT": "2"}, "export  PORT = 2\n"},
		{"no newline at the end", "PORT=1", map[string]string{"HOST": "h"}, "PORT=1\nHOST=h\n"},
		{"Windows", "A=1\r\nPORT=1\r\n", map[string]string{"PORT": "2", "B": "3"}, "A=1\r\nPORT=2\r\nB=3\r\n"},
		{"several of one name", "PORT=1\nPORT=2\n", map[string]string{"PORT": "3"}, "PORT=3\nPORT=3\n"},
		{"inside another's value", "NOTE=\"first\nPORT=9\nlast\"\nPORT=1\n", map[string]string{"PORT": "2"}, "NOTE=\"first\nPORT=9\nlast\"\nPORT=2\n"},
		{"commented out", "# PORT=1\n", map[string]string{"PORT": "2"}, "# PORT=1\nPORT=2\n"},
		{"a name within a name", "MY_PORT=1\nPORT_B=2\n", map[string]string{"PORT": "3"}, "MY_PORT=1\nPORT_B=2\nPORT=3\n"},
		{"empty", "PORT=1\n", map[string]string{"PORT": ""}, "PORT=\n"},
		{"dollars", "", map[string]string{"DATABASE_URL": "postgres://u:p$HOME@db/x"}, "DATABASE_URL='postgres://u:p$HOME@db/x'\n"},
		{"two keys", "K='old'\n", map[string]string{"K": "k2:a+/=,k1:b"}, "K=k2:a+/=,k1:b\n"},
	} {
		path := filepath.Join(t.TempDir(), ".env")
		if c.name != "a new file" {
			if err := os.WriteFile(path, []byte(c.before), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if err := WriteEnv(path, c.updates); err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		after, err := os.ReadFile(path)
		if err != nil || string(after) != c.after {
			t.Errorf("%s:\n got %q\nwant %q", c.name, after, c.after)
		}
		values, err := readEnv(path)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		for name, value := range c.updates {
			if values[name] != value {
				t.Errorf("%s: %s is read back as %q", c.name, name, values[name])
			}
		}
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: mode %v, want 0600", c.name, info.Mode())
		}
		if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".env-*")); len(left) != 0 {
			t.Errorf("%s: left behind: %v", c.name, left)
		}
	}
}

// What cannot be written safely is not written at all: the file stays as it was, byte for byte.
func TestWriteEnvRefuses(t *testing.T) {
	for _, c := range []struct{ name, before, value, want string }{
		{"its value goes over lines", "PORT=\"1\n2\"\nA=b\n", "3", "PORT goes over several lines"},
		{"another's value depends on it", "PORT=1\nURL=http://h:${PORT}/\n", "3", "set PORT by hand"},
		{"a broken file", "PORT='1\n", "3", "line 1 is not NAME=value"},
		{"a line break", "PORT=1\n", "a\nb", "cannot stand in a .env file"},
		{"an apostrophe", "PORT=1\n", "a'b", "cannot stand in a .env file"},
		{"a backslash at the end", "PORT=1\n", `a b\`, "set PORT by hand"},
		{"written as YAML", "PORT: 1\n", "3", ""}, // set at the end, where it wins
	} {
		path := writeFile(t, c.before)
		err := WriteEnv(path, map[string]string{"PORT": c.value})
		after, readErr := os.ReadFile(path)
		if readErr != nil {
			t.Fatal(readErr)
		}
		if c.want == "" {
			if err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), c.want) || string(after) != c.before {
			t.Errorf("%s: %v, want %q; the file is %q", c.name, err, c.want, after)
		}
	}
}

// A link stays a link, as operators have them who keep secrets elsewhere.
func TestWriteEnvLink(t *testing.T) {
	dir := t.TempDir()
	real, link := filepath.Join(dir, "secrets"), filepath.Join(dir, ".env")
	if err := os.WriteFile(real, []byte("PORT=1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(real, link); err != nil {
		t.Fatal(err)
	}
	if err := WriteEnv(link, map[string]string{"PORT": "2"}); err != nil {
		t.Fatal(err)
	}
	info, err := os.Lstat(link)
	if err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Error("the link was replaced")
	}
	if text, _ := os.ReadFile(real); string(text) != "PORT=2\n" {
		t.Errorf("the file that it leads to: %q", text)
	}
}

func TestWriteEnvNowhere(t *testing.T) {
	if err := WriteEnv(filepath.Join(t.TempDir(), "no", "such", ".env"), map[string]string{"A": "b"}); err == nil {
		t.Error("written into a folder that is not there")
	}
}

// Whatever stands in the file: either it cannot be changed and stays, or afterwards it holds the
// new value and all others as before.
func FuzzWriteEnv(f *testing.F) {
	f.Add("# a\nPORT=1 # b\nexport HOST='x'\n", "PORT", "2")
	f.Add("A=\"1\nPORT=3\n\"\nPORT=\n", "PORT", "a b$c")
	f.Add("PORT: 1\r\nX=${PORT}\r\n", "PORT", `\`)
	f.Add("\"=\n'\n=\nPORT = 'a' # '\n", "PORT", "#")
	f.Fuzz(func(t *testing.T, before, name, value string) {
		if name == "" || strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_") != "" || len(before) > 4096 {
			return
		}
		path := filepath.Join(t.TempDir(), ".env")
		if err := os.WriteFile(path, []byte(before), 0o600); err != nil {
			t.Fatal(err)
		}
		old, oldErr := godotenv.Unmarshal(before)
		err := WriteEnv(path, map[string]string{name: value})
		after, readErr := os.ReadFile(path)
		if readErr != nil {
			t.Fatal(readErr)
		}
		if err != nil {
			if string(after) != before {
				t.Errorf("refused (%v), and changed %q to %q", err, before, after)
			}
			return
		}
		if oldErr != nil {
			t.Errorf("a file that cannot be read was written: %q", before)
		}
		now, err := godotenv.Unmarshal(string(after))
		if err != nil || now[name] != value {
			t.Errorf("%q=%q in %q became %q: %v", name, value, before, after, err)
		}
		old[name] = value
		if !maps.Equal(old, now) {
			t.Errorf("%q became %q: %v", before, after, slices.Sorted(maps.Keys(now)))
		}
	})
}
