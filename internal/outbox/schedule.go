package outbox

import (
	"fmt"
	"strings"
	"time"
)

// Schedule is how long to wait after each try that failed, in order. When it has run out there
// is no further try. There is no jitter: a schedule that people read in the settings is kept.
type Schedule []time.Duration

// The limits of a schedule, so that a slip of the hand stops the start and not the retries.
const (
	maxSteps = 100
	maxStep  = 30 * 24 * time.Hour
)

// The schedules as they are unless configured.
var (
	// Fast is for a webhook whose first try failed: the founding document's.
	Fast = Schedule{1 * time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, 16 * time.Second}

	// Slow goes on after it, while the invoice stands under Stuck.
	Slow = Schedule{5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 24 * time.Hour}

	// Asking is for an outcome that is unknown. Most answers that were lost are known to the
	// provider within seconds, and a buyer may be waiting; then hourly, past a week-end, for
	// three days. After that asking again tells nothing new, and a person decides.
	Asking = asking()
)

func asking() Schedule {
	s := Schedule{
		5 * time.Second, 15 * time.Second, 30 * time.Second,
		time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 30 * time.Minute,
	}
	for range 71 {
		s = append(s, time.Hour)
	}
	return s
}

// After is how long to wait after so many tries have failed; false when that was the last.
func (s Schedule) After(failed int) (time.Duration, bool) {
	if failed < 1 || failed > len(s) {
		return 0, false
	}
	return s[failed-1], true
}

// ParseSchedule reads durations with commas between, as Go writes them: "1s,2s,4s". The empty
// text is the empty schedule.
func ParseSchedule(text string) (Schedule, error) {
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	var s Schedule
	for item := range strings.SplitSeq(text, ",") {
		d, err := time.ParseDuration(strings.TrimSpace(item))
		if err != nil || d <= 0 || d > maxStep {
			return nil, fmt.Errorf("durations between 0 and 720h with commas between, such as 1s,2m,3h; empty for none")
		}
		if s = append(s, d); len(s) > maxSteps {
			return nil, fmt.Errorf("at most %d durations", maxSteps)
		}
	}
	return s, nil
}

// UnmarshalText is ParseSchedule, for settings.
func (s *Schedule) UnmarshalText(text []byte) error {
	parsed, err := ParseSchedule(string(text))
	if err == nil {
		*s = parsed
	}
	return err
}

// String writes s as ParseSchedule reads it.
func (s Schedule) String() string {
	parts := make([]string, len(s))
	for i, d := range s {
		parts[i] = shortest(d)
	}
	return strings.Join(parts, ",")
}

// shortest writes 5m for what time.Duration writes as 5m0s.
func shortest(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
