package page_test

import (
	"context"
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// size is what a browser says of how large a page is, in CSS pixels.
type size struct {
	CSSLayoutViewport struct{ ClientWidth int }
	CSSContentSize    struct{ Width, Height float64 }
}

var _ = Describe("The page in a browser without scripts", func() {
	DescribeTable("fits", func(ctx context.Context, file string, width, height int) {
		b := open()
		token := viewer(ctx, strings.TrimSuffix(file, ".png"), "", everything()...)
		b.do("Network.setExtraHTTPHeaders", map[string]any{"headers": map[string]any{"Authorization": "Bearer " + token}}, nil)
		b.do("Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}, nil)
		b.do("Page.navigate", map[string]any{"url": page}, nil)
		// An empty page that is still there has neither the one nor the other: a phone shows it as wide as a desk.
		Eventually(func() (is size) {
			b.do("Page.getLayoutMetrics", nil, &is)
			return is
		}).Should(And(
			HaveField("CSSContentSize.Height", BeNumerically(">", height)),
			HaveField("CSSContentSize.Width", BeNumerically("<=", width)),
		), "the page is there, and nothing sticks out to the right")
		Expect(b.asked()).To(HaveEach(page), "nothing is asked of anybody else")

		var picture struct{ Data string }
		b.do("Page.captureScreenshot", map[string]any{"format": "png"}, &picture)
		image, err := base64.StdEncoding.DecodeString(picture.Data)
		Expect(err).NotTo(HaveOccurred())
		Expect(len(image)).To(BeNumerically(">", 10_000), "something is to be seen")
		if folder := os.Getenv("PAGE_PICTURES"); folder != "" {
			Expect(os.WriteFile(filepath.Join(folder, file), image, 0o644)).To(Succeed())
		}
	},
		Entry("a desk", "page.png", 1280, 800),
		Entry("a phone", "page-phone.png", 390, 800),
	)
})
