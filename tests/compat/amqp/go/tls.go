package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"math/rand"
	"net/http"
	neturl "net/url"
	"os"
	"strings"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// What the server's port with TLS is, and where the certificates lie; without these the cases are left out.
var (
	secureHost   = os.Getenv("COMPAT_AMQPS")
	certificates = os.Getenv("COMPAT_CERTIFICATES")
	httpHost     = os.Getenv("COMPAT_HTTP")
)

func trusting(who string) *tls.Config {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(must(os.ReadFile(certificates + "/ca.pem")))
	config := &tls.Config{RootCAs: pool, ServerName: "localhost"}
	if who != "" {
		config.Certificates = []tls.Certificate{must(tls.LoadX509KeyPair(certificates+"/"+who+".pem", certificates+"/"+who+".key"))}
	}
	return config
}

func dialSecure(config *tls.Config, external bool) (*amqp.Connection, error) {
	options := amqp.Config{TLSClientConfig: config, Heartbeat: 10 * time.Second, Locale: "en_US"}
	address := "amqps://guest:guest@" + secureHost + "/"
	if external {
		options.SASL = []amqp.Authentication{&amqp.ExternalAuth{}}
		address = "amqps://" + secureHost + "/"
	}
	return amqp.DialConfig(address, options)
}

// askHTTP makes what only an administrator can.
func askHTTP(path, body string) {
	request := must(http.NewRequest(http.MethodPut, "http://"+httpHost+"/api/"+path, strings.NewReader(body)))
	request.SetBasicAuth("guest", "guest")
	request.Header.Set("Content-Type", "application/json")
	answer := must(http.DefaultClient.Do(request))
	answer.Body.Close()
	if answer.StatusCode >= 300 {
		panic(path + ": " + answer.Status)
	}
}

func init() {
	if secureHost == "" {
		return
	}
	cases = append(cases, struct {
		name string
		do   func()
	}{"tls.a-thousand-messages-of-up-to-a-mebibyte", func() {
		connection := must(dialSecure(trusting(""), false))
		defer connection.Close()
		channel := must(connection.Channel())
		queue := exclusive(channel, nil)
		check(channel.Confirm(false))
		confirms := channel.NotifyPublish(make(chan amqp.Confirmation, 1000))
		dice, sums := rand.New(rand.NewSource(7)), [][32]byte{}
		for n := 0; n < 1000; n++ {
			size := dice.Intn(1 << 14)
			if n%50 == 0 {
				size = 1 << 20
			}
			body := make([]byte, size)
			dice.Read(body)
			sums = append(sums, sha256.Sum256(body))
			check(channel.PublishWithContext(context.Background(), "", queue, true, false, amqp.Publishing{Body: body}))
		}
		for n := 0; n < 1000; n++ {
			equal(next(confirms, "a confirm").Ack, true)
		}
		deliveries := must(channel.Consume(queue, "", false, true, false, false, nil))
		for n := 0; n < 1000; n++ {
			delivery := next(deliveries, "a message")
			sum := sha256.Sum256(delivery.Body)
			equal(bytes.Equal(sum[:], sums[n][:]), true)
			check(delivery.Ack(false))
		}
	}}, struct {
		name string
		do   func()
	}{"tls.external-is-the-user-the-certificate-names", func() {
		name := "CN=compat client,O=Posthorn test"
		askHTTP("users/"+neturl.PathEscape(name), `{"password_hash": "", "tags": ""}`)
		askHTTP("permissions/%2F/"+neturl.PathEscape(name), `{"configure": ".*", "write": ".*", "read": ".*"}`)
		connection := must(dialSecure(trusting("client"), true))
		defer connection.Close()
		channel := must(connection.Channel())
		queue := exclusive(channel, nil)
		publish(channel, "", queue, amqp.Publishing{UserId: name, Body: []byte("mine")})
		equal(string(get(channel, queue).Body), "mine")
	}}, struct {
		name string
		do   func()
	}{"tls.external-of-a-user-nobody-knows-is-refused", func() {
		_, err := dialSecure(trusting("unknown"), true)
		equal(err, amqp.ErrCredentials)
	}})
}
