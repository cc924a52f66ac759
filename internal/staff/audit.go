package staff

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/chorsu/chorsu/internal/id"
	"github.com/chorsu/chorsu/internal/store"
)

// Entry is one line of the log.
type Entry = store.AuditEntry

// Filter narrows the log; what is zero does not count.
type Filter = store.AuditFilter

// Note appends to the log what somebody looks at or is about to do. Whoever cannot note it must
// not do it. what is two words with a dot ("invoice.seen"), subject the id of what it is done to.
func (o *Office) Note(ctx context.Context, by Actor, what, subject, detail string) error {
	return o.update(ctx, func(ctx context.Context, tx *store.Tx) error {
		return o.append(ctx, tx, by, what, subject, detail)
	})
}

// maxDetail bounds what is noted beside the id, in bytes.
const maxDetail = 500

// append adds an entry in the transaction of what it tells. The key must have been read.
func (o *Office) append(ctx context.Context, tx *store.Tx, by Actor, what, subject, detail string) error {
	head, err := tx.LockAuditHead(ctx)
	if err != nil {
		return err
	}
	seq, mac, err := parseHead(head)
	if err != nil {
		return err
	}
	e := Entry{
		Seq: seq + 1, ID: id.New(), At: o.now().Truncate(time.Millisecond), StaffID: by.ID, Who: by.Who, Address: by.Address,
		What: what, Subject: storable(subject), Detail: storable(detail),
	}
	e.MAC = o.mac(mac, e)
	if err := tx.InsertAudit(ctx, e); err != nil {
		return err
	}
	return tx.PutAuditHead(ctx, formatHead(e.Seq, e.MAC))
}

// storable bounds what came from outside, and takes out what no database holds.
func storable(text string) string {
	text = strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "\uFFFD")
	if len(text) > maxDetail {
		text = strings.ToValidUTF8(text[:maxDetail], "") + "…"
	}
	return text
}

// mac binds an entry to the one before it. Each field stands in the text by its length, so that
// nothing can be moved from one into the next.
func (o *Office) mac(before string, e Entry) string {
	text, err := json.Marshal([]string{
		before, strconv.FormatInt(e.Seq, 10), e.ID, strconv.FormatInt(e.At.UnixMilli(), 10), e.StaffID, e.Who, e.Address, e.What, e.Subject, e.Detail,
	})
	if err != nil {
		panic(err) // strings always can
	}
	h := hmac.New(sha256.New, o.key)
	h.Write(text)
	return hex.EncodeToString(h.Sum(nil))
}

// The head names the newest entry: its number and its mac.
func formatHead(seq int64, mac string) string { return strconv.FormatInt(seq, 10) + ":" + mac }

func parseHead(head string) (seq int64, mac string, err error) {
	if head == "" {
		return 0, "", nil
	}
	number, mac, ok := strings.Cut(head, ":")
	seq, err = strconv.ParseInt(number, 10, 64)
	if !ok || err != nil || seq < 1 {
		return 0, "", errors.New("the audit log's head is not readable")
	}
	return seq, mac, nil
}

// The key of the chain is made once and sealed, like the one of requests' hashes: the log must be
// verified after a rotation of MASTER_KEY too.
const settingAuditKey = "audit_key"

// KeySetting and KeyRow are where the key of the chain is kept, and what it is sealed for: the
// rotation of MASTER_KEY seals it anew.
const (
	KeySetting = settingAuditKey
	KeyRow     = "setting/" + settingAuditKey
)

func (o *Office) readKey(ctx context.Context) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.key != nil {
		return nil
	}
	fresh := make([]byte, sha256.Size)
	_, _ = rand.Read(fresh) // it never fails
	sealed, err := o.o.Seal.Seal(KeyRow, fresh)
	if err != nil {
		return err
	}
	if err := o.store.Update(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		sealed, err = tx.FirstSetting(ctx, KeySetting, sealed)
		return err
	}); err != nil {
		return err
	}
	if o.key, err = o.o.Seal.Open(KeyRow, sealed); err != nil {
		o.key = nil
		return fmt.Errorf("open the key of the audit log: %w", err)
	}
	return nil
}

// ─── Reading it ────────────────────────────────────────────────────────────────────────────

// Log lists entries, newest first. cursor is "" or what a former page gave as next.
func (o *Office) Log(ctx context.Context, f Filter, limit int, cursor string) (list []Entry, next string, err error) {
	page := store.Page{Limit: limit}
	if cursor != "" {
		if page.AfterAt, page.AfterID, err = parseCursor(cursor); err != nil {
			return nil, "", err
		}
	}
	err = o.store.View(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		list, err = tx.Audit(ctx, f, page)
		return err
	})
	if len(list) > limit {
		list = list[:limit]
		last := list[limit-1]
		next = base64.RawURLEncoding.EncodeToString([]byte(strconv.FormatInt(last.At.UnixMilli(), 10) + "." + last.ID))
	}
	return list, next, err
}

func parseCursor(cursor string) (at int64, rowID string, err error) {
	raw, err := base64.RawURLEncoding.DecodeString(cursor)
	number, rowID, ok := strings.Cut(string(raw), ".")
	if err == nil {
		at, err = strconv.ParseInt(number, 10, 64)
	}
	if err != nil || !ok || !id.Valid(rowID) {
		return 0, "", fault("cursor_invalid", "the page's address is not one that this list gave")
	}
	return at, rowID, nil
}

// ─── Verifying it ──────────────────────────────────────────────────────────────────────────

// Verdict is what a verification found.
type Verdict struct {
	Entries int64  // how many are in order
	Head    string // the newest of them, "seq:mac": noted elsewhere, it proves later that nothing was cut off
	Broken  int64  // the number of the first entry that is missing or not as it was written; 0: none
	Why     string // of Broken
}

// verifyBatch is how many entries are read at a time.
const verifyBatch = 500

// Verify walks the whole chain. noted is "" or a Head that was noted before: that entry must still
// be the same. What was cut off at the end and rewritten in the head can only be seen so.
func (o *Office) Verify(ctx context.Context, noted string) (v Verdict, err error) {
	notedSeq, notedMAC, err := parseHead(noted)
	if err != nil {
		return v, fault("head_invalid", "what was noted is a number, a colon and 64 hexadecimal digits")
	}
	if err := o.readKey(ctx); err != nil {
		return v, err
	}
	head, err := o.head(ctx)
	if err != nil {
		return v, err
	}
	headSeq, headMAC, err := parseHead(head)
	if err != nil {
		return Verdict{Broken: 1, Why: err.Error()}, nil
	}
	before := ""
	for {
		list, err := o.batch(ctx, v.Entries+1)
		if err != nil {
			return v, err
		}
		for _, e := range list {
			switch want := v.Entries + 1; {
			case e.Seq != want:
				v.Broken, v.Why = want, "it is missing"
			case !hmac.Equal([]byte(e.MAC), []byte(o.mac(before, e))):
				v.Broken, v.Why = want, "it is not as it was written"
			case e.Seq == headSeq && e.MAC != headMAC, e.Seq == notedSeq && e.MAC != notedMAC:
				v.Broken, v.Why = want, "it is another entry than the one that was noted"
			}
			if v.Broken > 0 {
				return v, nil
			}
			v.Entries, before = e.Seq, e.MAC
			v.Head = formatHead(e.Seq, e.MAC)
		}
		if len(list) == 0 {
			break
		}
	}
	if last := max(headSeq, notedSeq); v.Entries < last {
		v.Broken, v.Why = v.Entries+1, "it is missing"
	}
	return v, nil
}

// head is read before the walk: entries that come meanwhile are walked over too.
func (o *Office) head(ctx context.Context) (head string, err error) {
	err = o.store.View(ctx, func(ctx context.Context, tx *store.Tx) error {
		head, err = tx.AuditHead(ctx)
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		return err
	})
	return head, err
}

func (o *Office) batch(ctx context.Context, from int64) (list []Entry, err error) {
	err = o.store.View(ctx, func(ctx context.Context, tx *store.Tx) error {
		list, err = tx.AuditFrom(ctx, from, verifyBatch)
		return err
	})
	return list, err
}
