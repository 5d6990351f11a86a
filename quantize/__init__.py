"""The workshop: trains, exports, quantizes, evaluates and packages the models of the agent."""
