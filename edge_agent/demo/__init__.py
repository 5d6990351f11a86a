"""A plant, a broker and the agent on one machine, to see alerts before anything is wired up.

The daemon needs nothing in here, and the demo knows the daemon through MQTT alone, like any other
plant does.
"""
