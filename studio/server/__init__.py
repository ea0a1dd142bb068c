"""The gateway: HTTP, server-sent events and WebSocket over an `EngineClient`, on loopback and behind a token. No rule of the engine."""
