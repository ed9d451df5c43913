package gateway

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
)

// canonicalise gives quantities one spelling each, so that 2000m and 2, or 1024Mi and 1Gi, come out as the
// same bytes and no pod restarts over a spelling.
func canonicalise(spec *v1beta1.IstioGatewaySpec) {
	canonicaliseList(spec.Resources.Limits)
	canonicaliseList(spec.Resources.Requests)
	for i := range spec.EnvVars {
		if source := spec.EnvVars[i].ValueFrom; source != nil && source.ResourceFieldRef != nil {
			source.ResourceFieldRef.Divisor = canonical(source.ResourceFieldRef.Divisor)
		}
	}
}

// canonicaliseList gives the quantities of a list one spelling each.
func canonicaliseList(list corev1.ResourceList) {
	for name, quantity := range list {
		list[name] = canonical(quantity)
	}
}

// The largest quantities that are respelled: beyond any machine. A power of ten is a few letters to write
// and may take seconds to spell out, and admission must not do that for whoever asks.
const (
	maxDigitBits = 128
	maxPower     = 18
)

// canonical is the shortest spelling of a quantity, decimal if two are as short: 2G, not 1953125Ki; 1Gi, not
// 1073741824. Kubernetes has one canonical spelling for each suffix family, hence two for most numbers.
func canonical(quantity resource.Quantity) resource.Quantity {
	// Copied, because taking the decimal value of a quantity changes how it is held.
	held := quantity.DeepCopy()
	value := held.AsDec()
	if value.UnscaledBig().BitLen() > maxDigitBits || max(value.Scale(), -value.Scale()) > maxPower {
		return quantity
	}
	decimal, exact := respell(held, resource.DecimalSI)
	if !exact {
		return quantity
	}
	binary, exact := respell(held, resource.BinarySI)
	if exact && len(binary.String()) < len(decimal.String()) {
		return binary
	}
	return decimal
}

// respell spells a quantity with one suffix family, and says whether that is the same quantity still: beyond
// the largest suffix Kubernetes writes 1 for 1024Ei, and the largest number of 64 bits for 100E.
func respell(held resource.Quantity, format resource.Format) (resource.Quantity, bool) {
	text := resource.NewDecimalQuantity(*held.AsDec(), format).String()
	// Read back, so that equal quantities are equal in memory too.
	respelled, err := resource.ParseQuantity(text)
	if err != nil {
		return resource.Quantity{}, false
	}
	compared := respelled.DeepCopy()
	return respelled, compared.Cmp(held) == 0
}
