package httpapi

import (
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/register"
)

// An upload is a form of texts and one file. Its texts are read into the same nodes as a JSON
// body, so that they are checked by the same rules.

const (
	maxUpload  = register.MaxBytes
	maxParts   = 16
	maxText    = 1 << 10
	manyUpload = 2 // files in memory at a time

	// A file takes longer than a body of 64 KiB, to come and to be stored.
	uploadReadTime  = 2 * time.Minute
	uploadWriteTime = 5 * time.Minute
)

var errTooLargeFile = &pay.Error{Code: pay.CodeTooLarge, Message: uploadLimit}

// isForm says whether a request brings a form with a file.
func isForm(header []string) bool {
	if len(header) != 1 {
		return false
	}
	kind, _, err := mime.ParseMediaType(header[0])
	return err == nil && kind == "multipart/form-data"
}

// readUpload reads a form to its end. One that comes while there are as many as may be waits until
// one of those is over.
func (s *server) readUpload(w http.ResponseWriter, c *call) (body *node, file []byte, err error) {
	r := c.r
	select {
	case s.uploads <- struct{}{}:
		c.over = func() { <-s.uploads }
	case <-r.Context().Done():
		return nil, nil, r.Context().Err()
	}
	// Where the connection has no deadlines, it needs no longer ones.
	conn := http.NewResponseController(w)
	_ = conn.SetReadDeadline(time.Now().Add(uploadReadTime))
	_ = conn.SetWriteDeadline(time.Now().Add(uploadReadTime + uploadWriteTime))
	if r.ContentLength > maxUpload+maxBody {
		return nil, nil, errTooLargeFile
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxUpload+maxBody)
	form, err := r.MultipartReader()
	if err != nil {
		return nil, nil, invalid(fault{"body", "is not a form: its boundary is missing"})
	}
	body = &node{kind: '{'}
	for range maxParts {
		part, err := form.NextPart()
		if err == io.EOF {
			if file == nil {
				return nil, nil, invalid(fault{"file", "is required in a form"})
			}
			return body, file, nil
		}
		if err != nil {
			return nil, nil, formFault(err)
		}
		if f := readPart(part, body, &file); f != nil {
			return nil, nil, f
		}
	}
	return nil, nil, invalid(fault{"body", "has too many parts"})
}

func readPart(part *multipart.Part, body *node, file *[]byte) error {
	defer part.Close()
	name := part.FormName()
	most := int64(maxText)
	if name == "file" {
		most = maxUpload
	}
	data, err := io.ReadAll(io.LimitReader(part, most+1))
	switch {
	case err != nil:
		return formFault(err)
	case name == "file" && *file != nil, body.member(name) != nil:
		return invalid(fault{join("", name), "must not be given twice"})
	case name == "file" && int64(len(data)) > most:
		return errTooLargeFile
	case name == "file":
		*file = append([]byte{}, data...)
		return nil
	case int64(len(data)) > most:
		return invalid(fault{join("", name), "length must be less than or equal to 1024 characters long"})
	case name == "" || !utf8.ValidString(name) || strings.IndexByte(name, 0) >= 0:
		return invalid(fault{"body", "has a part without a name"})
	case !utf8.Valid(data) || strings.IndexByte(string(data), 0) >= 0:
		return invalid(fault{join("", name), "must be valid UTF-8 without the NUL character"})
	}
	body.names = append(body.names, name)
	body.items = append(body.items, &node{kind: '"', text: string(data)})
	return nil
}

func formFault(err error) error {
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return errTooLargeFile
	}
	return invalid(fault{"body", "broke off: the form could not be read to its end"})
}

// uploadSchema is the form as the document shows it: the texts of in, and the file.
func uploadSchema(in *huma.Schema) *huma.Schema {
	out := &huma.Schema{Type: huma.TypeObject, Properties: map[string]*huma.Schema{}, Required: append([]string{"file"}, in.Required...)}
	for name, p := range in.Properties {
		out.Properties[name] = p
	}
	out.Properties["file"] = &huma.Schema{Type: huma.TypeString, Format: "binary", Description: "CSV or XLSX, at most 20 MiB"}
	return out
}
