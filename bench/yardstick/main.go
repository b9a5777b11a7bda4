// Command yardstick is a minimal Go HTTP service, to compare lsapi with.
package main

import (
	"bufio"
	"bytes"
	"flag"
	"io"
	"log"
	"maps"
	"net/http"
	"os"
	"time"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:8000", "address to serve on")
	answer := flag.String("answer", "", "`file` with a whole HTTP response, which every other path gets")
	flag.Parse()
	http.HandleFunc("GET /healthcheck", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"message":"up"}`)
	})
	if *answer != "" {
		repeat, err := repeater(*answer)
		if err != nil {
			log.Fatal(err)
		}
		http.HandleFunc("/", repeat)
	}
	server := &http.Server{Addr: *listen, ReadHeaderTimeout: 5 * time.Second}
	log.Fatal(server.ListenAndServe())
}

// repeater sends the response in a file.
func repeater(file string) (http.HandlerFunc, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	response, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(text)), nil)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	header := response.Header
	header.Del("Date") // net/http makes its own
	return func(w http.ResponseWriter, _ *http.Request) {
		maps.Copy(w.Header(), header)
		_, _ = w.Write(body)
	}, nil
}
