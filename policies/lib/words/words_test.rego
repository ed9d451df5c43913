package lib.words_test

import data.lib.words

test_says_a_single_choice_plainly if words.one_of(["istio-system"]) == "istio-system"

test_says_several_choices_in_order if words.one_of({"NodePort", "ClusterIP"}) == "one of ClusterIP, NodePort"

test_hears_what_says_something if {
	every value in [false, 0, "", "a", {"a": {"b": 1}}, [[0]]] { words.says_something(value) }
}

test_hears_nothing_in_empty_structures if {
	every value in [null, {}, [], {"parameters": {}}, {"a": [{}, null]}] { not words.says_something(value) }
}
