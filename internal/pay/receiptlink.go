package pay

import (
	"errors"
	"net/url"
	"strings"
	"time"
)

// Tashkent is the zone in which the providers and the tax office write local times: UTC+5,
// no summer time.
var Tashkent = time.FixedZone("Asia/Tashkent", 5*60*60)

// Receipt is a fiscal receipt as a provider reports it, or as it is passed on to one.
type Receipt struct {
	Kind       string // "sale" or "refund"
	URL        string // as it came: what is shown and passed on
	Terminal   string // two capital letters and twelve digits
	Number     string // up to 16 digits
	FiscalSign string // 12 digits, of which the first may be 0
	Time       string // YYYYMMDDhhmmss in Tashkent
	StatusCode int    // 0 = accepted
	Message    string
}

// receiptTime is how the tax office writes a moment.
const receiptTime = "20060102150405"

// receiptSkew is how far ahead of our clock a till's may be.
const receiptSkew = 5 * time.Minute

// maxReceiptLink is far above the longest link there is (95 characters).
const maxReceiptLink = 512

// What is wrong with a link. The words follow the field's name.
var (
	errReceiptHost   = errors.New("must be an https link to ofd.soliq.uz/check or ofd.soliq.uz/epi")
	errReceiptParts  = errors.New("must have t, r, c and s, each once, and nothing else")
	errReceiptForm   = errors.New("must have t of two capital letters and 12 digits, r of 1 to 16 digits, and s of 12 digits")
	errReceiptTime   = errors.New("must have a real date and time as c, YYYYMMDDhhmmss")
	errReceiptFuture = errors.New("must not be from the future")
)

// ParseReceiptLink takes apart the link under a receipt's QR code,
//
//	https://ofd.soliq.uz/check?t=UZ170703100597&r=2421&c=20230104121801&s=514343190161
//
// where /epi stands in place of /check on receipts of payment organisations. A link that was
// escaped on its way (every & as &amp;, or the whole of it in percent form) is unescaped once.
// Receipt.URL is then the link that can be opened, otherwise what came, byte for byte; Kind is
// left empty. It is only read: nobody has asked the tax office whether such a receipt exists.
func ParseReceiptLink(text string, now time.Time) (Receipt, error) {
	if len(text) > maxReceiptLink {
		return Receipt{}, errReceiptHost
	}
	link := unescapeOnce(text)
	u, err := url.Parse(link)
	if err != nil || u.Scheme != "https" || u.Host != "ofd.soliq.uz" || u.User != nil || u.RawPath != "" || strings.Contains(link, "#") {
		return Receipt{}, errReceiptHost
	}
	if p := strings.TrimSuffix(u.Path, "/"); p != "/check" && p != "/epi" {
		return Receipt{}, errReceiptHost
	}
	r := Receipt{URL: link}
	parts := map[string]*string{"t": &r.Terminal, "r": &r.Number, "c": &r.Time, "s": &r.FiscalSign}
	for pair := range strings.SplitSeq(u.RawQuery, "&") {
		key, value, _ := strings.Cut(pair, "=")
		part := parts[key]
		if part == nil || value == "" {
			return Receipt{}, errReceiptParts
		}
		*part = value
		delete(parts, key)
	}
	if len(parts) > 0 {
		return Receipt{}, errReceiptParts
	}
	return r, r.check(now)
}

// unescapeOnce undoes one of the two ways in which a link is escaped in transit.
func unescapeOnce(text string) string {
	if strings.Contains(text, "&amp;") {
		return strings.ReplaceAll(text, "&amp;", "&")
	}
	if !strings.Contains(text, "?") {
		if plain, err := url.PathUnescape(text); err == nil {
			return plain
		}
	}
	return text
}

func (r Receipt) check(now time.Time) error {
	if len(r.Terminal) != 14 || !capitals(r.Terminal[:2]) || !digitsOnly(r.Terminal[2:]) ||
		len(r.Number) > 16 || !digitsOnly(r.Number) || len(r.FiscalSign) != 12 || !digitsOnly(r.FiscalSign) {
		return errReceiptForm
	}
	at, err := r.At()
	if err != nil {
		return err
	}
	if at.After(now.Add(receiptSkew)) {
		return errReceiptFuture
	}
	return nil
}

func capitals(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r < 'A' || r > 'Z' }) < 0
}

// At is the moment that r.Time names.
func (r Receipt) At() (time.Time, error) {
	if len(r.Time) != len(receiptTime) || !digitsOnly(r.Time) {
		return time.Time{}, errReceiptTime
	}
	at, err := time.ParseInLocation(receiptTime, r.Time, Tashkent)
	if err != nil {
		return time.Time{}, errReceiptTime
	}
	return at, nil
}

// ReceiptTime writes a moment as Receipt.Time has it.
func ReceiptTime(t time.Time) string { return t.In(Tashkent).Format(receiptTime) }

// Link is r.URL, or where a provider gave only the parts, the link that they make. A terminal
// of a payment organisation (EP…, EZ…) is looked up under /epi, a till under /check.
func (r Receipt) Link() string {
	if r.URL != "" {
		return r.URL
	}
	path := "check"
	if strings.HasPrefix(r.Terminal, "EP") || strings.HasPrefix(r.Terminal, "EZ") {
		path = "epi"
	}
	return "https://ofd.soliq.uz/" + path + "?t=" + r.Terminal + "&r=" + r.Number + "&c=" + r.Time + "&s=" + r.FiscalSign
}

// Same says whether both are one receipt, however their links are written.
func (r Receipt) Same(o Receipt) bool {
	return r.Terminal == o.Terminal && r.Number == o.Number && r.Time == o.Time && r.FiscalSign == o.FiscalSign
}
