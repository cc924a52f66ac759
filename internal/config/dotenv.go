package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/joho/godotenv"
)

// maxEnvFile bounds a .env file: one that is larger is another file.
const maxEnvFile = 256 << 10

// readEnv reads a .env file. One that does not exist is empty. Errors name a line, never what
// stands there: it may be a secret.
func readEnv(path string) (map[string]string, error) {
	text, err := readEnvText(path)
	if err != nil {
		return nil, err
	}
	return parseEnv(path, text)
}

func readEnvText(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("%s cannot be read: %w", path, err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxEnvFile+1))
	if err != nil {
		return "", fmt.Errorf("%s cannot be read: %w", path, err)
	}
	if len(text) > maxEnvFile {
		return "", fmt.Errorf("%s is larger than %d KiB", path, maxEnvFile>>10)
	}
	return string(text), nil
}

func parseEnv(path, text string) (map[string]string, error) {
	values, err := godotenv.Unmarshal(text)
	if err == nil {
		return values, nil
	}
	// The library's message quotes the text. The longest part that can be read tells the line.
	lines := strings.SplitAfter(text, "\n")
	n := len(lines)
	for n > 0 {
		if _, err := godotenv.Unmarshal(strings.Join(lines[:n], "")); err == nil {
			break
		}
		n--
	}
	return nil, fmt.Errorf("%s: line %d is not NAME=value", path, n+1)
}

// WriteEnv sets variables in a .env file: in their lines where they have one, else at its end,
// in alphabetical order. Comments, order and everything else stay. The file is replaced as a
// whole, readable by its owner alone; if the machine stops in between, either the old or the new
// one is there. What was written is read back before it replaces anything.
func WriteEnv(path string, updates map[string]string) error {
	// A link stays a link: the file that it leads to is replaced.
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	text, err := readEnvText(path)
	if err != nil {
		return err
	}
	before, err := parseEnv(path, text)
	if err != nil {
		return err
	}
	after, err := rewrite(text, updates)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	want := maps.Clone(before)
	maps.Copy(want, updates)
	if got, err := parseEnv(path, after); err != nil || !maps.Equal(got, want) {
		return fmt.Errorf("%s is written in a way that cannot be changed safely; set %s by hand", path, strings.Join(slices.Sorted(maps.Keys(updates)), ", "))
	}
	return replaceFile(path, after)
}

// rewrite returns text with the variables set.
func rewrite(text string, updates map[string]string) (string, error) {
	var b strings.Builder
	ending := "\n"
	if strings.Contains(text, "\r\n") {
		ending = "\r\n"
	}
	left := maps.Clone(updates)
	quote := byte(0) // of a value that goes on over several lines
	for line := range strings.Lines(text) {
		bare := strings.TrimRight(line, "\r\n")
		if quote != 0 {
			if closes(bare, quote) {
				quote = 0
			}
			b.WriteString(line)
			continue
		}
		prefix, name, value := assignment(bare)
		update, ours := updates[name]
		if name == "" || !ours {
			if name != "" && opens(value) {
				quote = value[0]
			}
			b.WriteString(line)
			continue
		}
		if opens(value) {
			return "", fmt.Errorf("the value of %s goes over several lines; set it by hand", name)
		}
		quoted, err := quoteEnv(update)
		if err != nil {
			return "", fmt.Errorf("%s: %w", name, err)
		}
		b.WriteString(prefix + quoted + comment(value) + ending)
		delete(left, name)
	}
	if b.Len() > 0 && !strings.HasSuffix(b.String(), "\n") {
		b.WriteString(ending)
	}
	for _, name := range slices.Sorted(maps.Keys(left)) {
		quoted, err := quoteEnv(left[name])
		if err != nil {
			return "", fmt.Errorf("%s: %w", name, err)
		}
		b.WriteString(name + "=" + quoted + ending)
	}
	return b.String(), nil
}

// assignment splits NAME=value; prefix is all up to the value. name is "" for other lines.
func assignment(line string) (prefix, name, value string) {
	left, right, ok := strings.Cut(line, "=")
	if !ok {
		return "", "", ""
	}
	name = strings.TrimSpace(left)
	if after, ok := strings.CutPrefix(name, "export"); ok && after != strings.TrimLeft(after, " \t") {
		name = strings.TrimSpace(after)
	}
	if name == "" || strings.ContainsAny(name, "# \t:'\"") {
		return "", "", ""
	}
	value = strings.TrimLeft(right, " \t")
	return line[:len(line)-len(value)], name, value
}

// opens says whether a value begins with a quotation mark that its line does not close.
func opens(value string) bool {
	return value != "" && (value[0] == '"' || value[0] == '\'') && !closes(value[1:], value[0])
}

func closes(text string, quote byte) bool { return closing(text, quote) >= 0 }

// closing finds the quotation mark that ends a value; a backslash before one hides it.
func closing(text string, quote byte) int {
	for i := range len(text) {
		if text[i] == quote && (i == 0 || text[i-1] != '\\') {
			return i
		}
	}
	return -1
}

// comment returns what follows a value on its line, with the space before it.
func comment(value string) string {
	rest := value
	if value != "" && (value[0] == '"' || value[0] == '\'') {
		rest = value[1:][closing(value[1:], value[0])+1:]
	}
	for i := len(rest) - 1; i > 0; i-- {
		if rest[i] == '#' && (rest[i-1] == ' ' || rest[i-1] == '\t') {
			return " " + rest[i:]
		}
	}
	return ""
}

// quoteEnv writes a value so that it is read back as it is.
func quoteEnv(value string) (string, error) {
	plain := true
	for _, r := range value {
		if r < ' ' || r == 0x7f || r == '\'' {
			return "", errors.New("such a value cannot stand in a .env file")
		}
		if r > '~' || !strings.ContainsRune("_-./:+=,@%", r) && (r < '0' || r > '9') && (r|0x20 < 'a' || r|0x20 > 'z') {
			plain = false
		}
	}
	if plain {
		return value, nil
	}
	return "'" + value + "'", nil
}

// replaceFile writes text beside path and moves it there.
func replaceFile(path, text string) (err error) {
	dir := filepath.Dir(path)
	file, err := os.CreateTemp(dir, ".env-*") // made with mode 0600
	if err != nil {
		return fmt.Errorf("%s cannot be written: %w", path, err)
	}
	defer func() {
		if err != nil {
			os.Remove(file.Name())
			err = fmt.Errorf("%s cannot be written: %w", path, err)
		}
	}()
	if _, err := file.WriteString(text); err != nil {
		file.Close()
		return err
	}
	if err := file.Sync(); err != nil {
		file.Close()
		return err
	}
	if err := file.Close(); err != nil {
		return err
	}
	if err := os.Rename(file.Name(), path); err != nil {
		return err
	}
	// The rename itself lasts only when the folder is on the disk. Not every system can.
	if folder, err := os.Open(dir); err == nil {
		folder.Sync()
		folder.Close()
	}
	return nil
}
