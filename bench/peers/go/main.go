// Signing reverse proxy on the Go standard library (httputil.ReverseProxy): the usual way to build a signing proxy in Go. It only signs.
package main

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"strconv"
	"sync"
	"time"
)

type bufPool struct{ p sync.Pool }

func (b *bufPool) Get() []byte  { return *(b.p.Get().(*[]byte)) }
func (b *bufPool) Put(x []byte) { b.p.Put(&x) }

func main() {
	up, err := url.Parse(os.Getenv("UPSTREAM"))
	if err != nil {
		log.Fatal(err)
	}
	secret, key := []byte(os.Getenv("BSP_SECRET")), os.Getenv("BSP_KEY")
	macs := sync.Pool{New: func() any { return hmac.New(sha256.New, secret) }}
	tr := &http.Transport{
		DialContext:  (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		MaxIdleConns: 1024, MaxIdleConnsPerHost: 256, IdleConnTimeout: 300 * time.Second, DisableCompression: true,
		WriteBufferSize: 4096, ReadBufferSize: 4096,
	}
	rp := &httputil.ReverseProxy{
		Transport:     tr,
		BufferPool:    &bufPool{sync.Pool{New: func() any { b := make([]byte, 32<<10); return &b }}},
		FlushInterval: 0,
		Director: func(r *http.Request) {
			r.URL.Scheme, r.URL.Host, r.Host = up.Scheme, up.Host, up.Host
			p := make([]byte, 0, len(r.URL.RawQuery)+140)
			p = append(p, r.URL.RawQuery...)
			if len(p) > 0 {
				p = append(p, '&')
			}
			p = append(p, "recvWindow=5000&timestamp="...)
			p = strconv.AppendInt(p, time.Now().UnixMilli(), 10)
			m := macs.Get().(hash.Hash)
			m.Reset()
			m.Write(p)
			if r.Body != nil && r.ContentLength != 0 {
				b, _ := io.ReadAll(r.Body)
				m.Write(b)
				r.Body = io.NopCloser(bytes.NewReader(b))
				r.ContentLength = int64(len(b))
			}
			var s [32]byte
			sum := m.Sum(s[:0])
			macs.Put(m)
			p = append(p, "&signature="...)
			n := len(p)
			p = append(p, make([]byte, 64)...)
			hex.Encode(p[n:], sum)
			r.URL.RawQuery = string(p)
			r.Header["X-Mbx-Apikey"] = []string{key}
			r.Header["X-Forwarded-For"] = nil
		},
	}
	ln, err := net.Listen("tcp", "127.0.0.1:"+os.Getenv("PORT"))
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal((&http.Server{Handler: rp}).Serve(ln))
}
