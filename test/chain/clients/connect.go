// connect ROOTS, lines "HOST PORT" on standard input: connects to each port of 127.0.0.1 as HOST, and prints what came of it.
// The word "client" in place of the port: HOST is a file with a chain, judged as a client's certificate.
package main

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"strings"
)

func main() {
	text, err := os.ReadFile(os.Args[1])
	if err != nil {
		panic(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(text)
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		host, port, _ := strings.Cut(lines.Text(), " ")
		if port == "client" {
			say(verifyClient(host, roots))
			continue
		}
		connection, err := tls.Dial("tcp", "127.0.0.1:"+port, &tls.Config{RootCAs: roots, ServerName: host})
		if err == nil {
			connection.Close()
		}
		say(err)
	}
}

func verifyClient(file string, roots *x509.CertPool) error {
	text, err := os.ReadFile(file)
	if err != nil {
		panic(err)
	}
	leaf, rest := pem.Decode(text)
	certificate, err := x509.ParseCertificate(leaf.Bytes)
	if err != nil {
		return err
	}
	intermediates := x509.NewCertPool()
	intermediates.AppendCertsFromPEM(rest)
	usage := []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	_, err = certificate.Verify(x509.VerifyOptions{Roots: roots, Intermediates: intermediates, KeyUsages: usage})
	return err
}

func say(err error) {
	if err == nil {
		fmt.Println("accepted")
	} else {
		fmt.Println("refused:", err)
	}
}
