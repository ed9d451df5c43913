package review

import "testing"

func TestNewObjectNamesTheFieldOfAWrongType(t *testing.T) {
	tests := map[string]struct{ spec, want string }{
		"text for a number":             {`{"replicaCount":"two"}`, "spec.replicaCount must be of type integer, is string"},
		"a number for text":             {`{"gatewayType":1}`, "spec.gatewayType must be of type string, is number"},
		"text for a switch":             {`{"hostNetwork":"yes"}`, "spec.hostNetwork must be of type boolean, is string"},
		"an object for a list":          {`{"ports":{}}`, "spec.ports must be of type array, is object"},
		"a list for an object":          {`{"kernel":[]}`, "spec.kernel must be of type object, is array"},
		"a number for a kernel setting": {`{"kernel":{"parameters":{"net.core.somaxconn":1}}}`, "spec.kernel.parameters.net.core.somaxconn must be of type string, is number"},
		"text for a port":               {`{"ports":[{"port":"http"}]}`, "spec.ports.port must be of type integer, is string"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := NewObject([]byte(`{"spec":` + test.spec + `}`))
			if err == nil || err.Error() != test.want {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

func TestNewObjectKeepsWhatWasWrittenAndDropsBookkeeping(t *testing.T) {
	object, err := NewObject([]byte(`{"metadata":{"name":"edge","managedFields":[{"manager":"kubectl"}]},"spec":{"extra":1,"ReplicaCount":7}}`))
	if err != nil {
		t.Fatal(err)
	}
	if _, kept := object.Raw["spec"].(map[string]any)["extra"]; !kept {
		t.Error("a field that the types do not know is gone from what was written")
	}
	if _, kept := object.Raw["metadata"].(map[string]any)["managedFields"]; kept {
		t.Error("who wrote which field is still there")
	}
	if object.Typed.Spec.ReplicaCount != nil {
		t.Error("a name of another case was read as the field")
	}
}
