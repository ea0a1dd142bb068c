"""One module per family of routes; each gives its endpoints, from which both the server and its OpenAPI document are made."""
