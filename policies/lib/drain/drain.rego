# METADATA
# title: Drain
# description: >-
#   How long a gateway's pods drain and how long they have to stop, as they are rendered: all of it follows from one
#   number.
package lib.drain

parameters := data.parameters.drain

# METADATA
# description: The annotation that asks for a drain time.
annotation := "asm.alibabacloud.com/gateway-drain-timeout-seconds"

# METADATA
# description: The drain time that is asked for, as it is written.
asked := input.gateway.metadata.annotations[annotation]

# METADATA
# description: How long connections have to end by themselves.
seconds := number if number := whole(asked)

else := parameters.defaultSeconds

# METADATA
# description: How long a pod has to stop before it is killed. A preStop hook that sleeps comes on top.
grace := (seconds + parameters.marginSeconds) + sleep

sleep := input.gateway.spec.lifecycle.preStop.sleep.seconds if {
	is_number(input.gateway.spec.lifecycle.preStop.sleep.seconds)
}

else := 0

# METADATA
# description: A text as a whole number of seconds above zero; undefined for any other.
whole(text) := to_number(text) if {
	is_string(text)
	regex.match(`^[1-9][0-9]{0,8}$`, text)
}
