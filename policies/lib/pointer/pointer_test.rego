package lib.pointer_test

import data.lib.pointer

test_leads_to_an_item_of_a_list if {
	pointer.item("/spec/ports", 0) == "/spec/ports/0"
	pointer.item("/spec/ports", 12) == "/spec/ports/12"
}
