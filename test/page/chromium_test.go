package page_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"sync"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// browser is a headless Chromium that is told what to do over a pipe.
// https://chromedevtools.github.io/devtools-protocol/
type browser struct {
	to      *os.File
	mutex   sync.Mutex
	next    int
	session string
	answers map[int]chan answer
	// requests are the addresses that the page asked for.
	requests []string
}

// answer is what Chromium says to one command.
type answer struct {
	ID     int             `json:"id"`
	Result json.RawMessage `json:"result"`
	Error  *struct {
		Message string `json:"message"`
	} `json:"error"`
	Method string `json:"method"`
	Params struct {
		Request struct {
			URL string `json:"url"`
		} `json:"request"`
	} `json:"params"`
}

// chromium is where Chromium is. Where there is none, and nobody promised one, its specs are skipped, which the run says.
func chromium() string {
	GinkgoHelper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	Expect(os.Getenv("CI")).To(BeEmpty(), "CI must have Chromium in PATH")
	Skip("no Chromium is in PATH: the page is not looked at in a browser")
	return ""
}

// open starts a browser with an empty page, until the spec ends.
func open() *browser {
	GinkgoHelper()
	path := chromium()
	theirs, to, err := os.Pipe()
	Expect(err).NotTo(HaveOccurred())
	from, ours, err := os.Pipe()
	Expect(err).NotTo(HaveOccurred())
	// Not of the spec's context: that ends before the clean-up, which closes the browser in peace.
	command := exec.Command(path, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars",
		"--user-data-dir="+GinkgoT().TempDir(), "--remote-debugging-pipe", "about:blank")
	command.ExtraFiles = []*os.File{theirs, ours}
	command.Stderr = GinkgoWriter
	Expect(command.Start()).To(Succeed())
	Expect(theirs.Close()).To(Succeed())
	Expect(ours.Close()).To(Succeed())
	b := &browser{to: to, answers: map[int]chan answer{}}
	go b.listen(from)
	DeferCleanup(func() {
		b.session = ""
		b.do("Browser.close", nil, nil)
		Expect(command.Wait()).To(Succeed())
		Expect(to.Close()).To(Succeed())
	})
	var target struct{ TargetID string }
	b.do("Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	var attached struct{ SessionID string }
	b.do("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &attached)
	b.session = attached.SessionID
	b.do("Network.enable", nil, nil)
	b.do("Page.enable", nil, nil)
	b.do("Emulation.setScriptExecutionDisabled", map[string]any{"value": true}, nil)
	return b
}

// listen hands out what Chromium says until it says no more.
func (b *browser) listen(from *os.File) {
	defer GinkgoRecover()
	reader := bufio.NewReader(from)
	for {
		text, err := reader.ReadBytes(0)
		if err != nil {
			return
		}
		var said answer
		Expect(json.Unmarshal(text[:len(text)-1], &said)).To(Succeed())
		b.mutex.Lock()
		if said.Method == "Network.requestWillBeSent" {
			b.requests = append(b.requests, said.Params.Request.URL)
		}
		waiting := b.answers[said.ID]
		delete(b.answers, said.ID)
		b.mutex.Unlock()
		if waiting != nil {
			waiting <- said
		}
	}
}

// do has Chromium do something, and reads its answer.
func (b *browser) do(method string, params map[string]any, into any) {
	GinkgoHelper()
	waiting := make(chan answer, 1)
	b.mutex.Lock()
	b.next++
	id := b.next
	b.answers[id] = waiting
	b.mutex.Unlock()
	command := map[string]any{"id": id, "method": method, "params": params}
	if b.session != "" {
		command["sessionId"] = b.session
	}
	text, err := json.Marshal(command)
	Expect(err).NotTo(HaveOccurred())
	_, err = b.to.Write(append(text, 0))
	Expect(err).NotTo(HaveOccurred())
	var said answer
	Eventually(waiting).Should(Receive(&said), method)
	Expect(said.Error).To(BeNil(), fmt.Sprint(method, said.Error))
	if into != nil {
		Expect(json.Unmarshal(said.Result, into)).To(Succeed())
	}
}

// asked are the addresses that the page asked for so far.
func (b *browser) asked() []string {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.requests
}
