"""What crosses a boundary: commands, queries, views, events and the EngineClient interface. No behaviour."""
