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
		var is size
		Eventually(func() float64 {
			b.do("Page.getLayoutMetrics", nil, &is)
			return is.CSSContentSize.Height
		}).Should(BeNumerically(">", height))
		Expect(is.CSSContentSize.Width).To(BeNumerically("<=", width), "nothing sticks out to the right")
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
