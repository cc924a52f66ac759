package e2e

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestTheRequestsInTheDocsWork sends what README and the guides tell people to type, in order,
// to a program that was started as they say.
func TestTheRequestsInTheDocsWork(t *testing.T) {
	for _, page := range []string{"README.md", "docs/quickstart.md", "docs/sandbox.md"} {
		t.Run(page, func(t *testing.T) {
			text, err := os.ReadFile("../" + page)
			if err != nil {
				t.Fatal(err)
			}
			requests := curls(string(text))
			if len(requests) < 2 {
				t.Fatalf("%d requests found", len(requests))
			}
			url, key := up(t)
			if page == "docs/sandbox.md" { // it begins with an invoice of the quickstart
				quick, err := os.ReadFile("../docs/quickstart.md")
				if err != nil {
					t.Fatal(err)
				}
				requests = append(curls(string(quick))[:2], requests...)
			}
			link, callback := "", ""
			for _, r := range requests {
				if strings.Contains(r.url, "127.0.0.1:4003") { // the sandbox alone, with values of its own
					continue
				}
				body := strings.NewReplacer("<the invoice's checkoutUrl>", link, "localhost:4002", strings.TrimPrefix(url, "http://")).Replace(r.body)
				req, err := http.NewRequest(r.method, strings.Replace(r.url, "http://localhost:4002", url, 1), strings.NewReader(body))
				if err != nil {
					t.Fatal(err)
				}
				for _, h := range r.headers {
					name, value, _ := strings.Cut(h, ": ")
					req.Header.Set(name, strings.ReplaceAll(value, "$SERVICE_API_KEY", key))
				}
				res, err := http.DefaultClient.Do(req)
				if err != nil {
					t.Fatal(err)
				}
				answer, _ := io.ReadAll(res.Body)
				res.Body.Close()
				if res.StatusCode >= 300 {
					t.Errorf("%s %s: %d %s", r.method, r.url, res.StatusCode, answer)
				}
				if m := regexp.MustCompile(`"checkoutUrl":"([^"]+)"`).FindSubmatch(answer); m != nil {
					link = strings.ReplaceAll(string(m[1]), `\u0026`, "&")
				}
				if m := regexp.MustCompile(`"callbackUrl":"([^"]+)"`).FindSubmatch(answer); m != nil {
					callback = string(m[1])
				}
			}
			if link == "" || !strings.HasPrefix(callback, "http://") {
				t.Errorf("no invoice was made (link %q, callback %q)", link, callback)
			}
		})
	}
}

// curl is one request that a page shows.
type curl struct {
	method, url, body string
	headers           []string
}

// curls finds them in a page's code.
func curls(page string) (out []curl) {
	page = strings.ReplaceAll(page, "\\\n", " ")
	for _, fence := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(page, -1) {
		for _, command := range regexp.MustCompile(`(?ms)^curl .*?(?:^$|\z)`).FindAllString(fence[1], -1) {
			c := curl{method: http.MethodGet}
			if m := regexp.MustCompile(`(?s)-d '((?:[^']|'\\'')*)'`).FindStringSubmatch(command); m != nil {
				c.method, c.body = http.MethodPost, strings.ReplaceAll(m[1], `'\''`, "'")
				command = strings.Replace(command, m[0], "", 1)
			}
			for _, m := range regexp.MustCompile(`-H ["']([^"']+)["']`).FindAllStringSubmatch(command, -1) {
				c.headers = append(c.headers, m[1])
			}
			if m := regexp.MustCompile(`-X (\w+)`).FindStringSubmatch(command); m != nil {
				c.method = m[1]
			}
			c.url = regexp.MustCompile(`https?://\S+`).FindString(command)
			out = append(out, c)
		}
	}
	return out
}

// up starts `chorsu up` in an empty folder and returns its address and the key that it made.
func up(t *testing.T) (url, key string) {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, "up")
	cmd.Dir = t.TempDir()
	cmd.Env = []string{"PORT=0"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	found := make(chan string, 1)
	go func() {
		lines := bufio.NewScanner(stdout)
		for lines.Scan() {
			if m := regexp.MustCompile(`API +(http://\S+)/api`).FindStringSubmatch(lines.Text()); m != nil {
				found <- m[1]
			}
		}
	}()
	select {
	case url = <-found:
	case <-time.After(time.Minute):
		t.Fatal("`chorsu up` does not say where it serves")
	}
	text, err := os.ReadFile(cmd.Dir + "/.env")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Sscanf(regexp.MustCompile(`SERVICE_API_KEY=\S+`).FindString(string(text)), "SERVICE_API_KEY=%s", &key); err != nil {
		t.Fatal(err)
	}
	return url, strings.Trim(key, `"`)
}
