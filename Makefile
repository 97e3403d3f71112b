# One target is one command that a person types. Every line is plain cargo, once with valgrind around it.
.DEFAULT_GOAL := help
DENY := cargo deny --locked check bans licenses sources
VALGRIND := valgrind --quiet --error-exitcode=9 --leak-check=full --show-leak-kinds=definite --errors-for-leak-kinds=definite
MEMORY := cargo test --config "target.'cfg(all())'.runner='$(VALGRIND)'" --package portico-saml --lib memory_
.PHONY: help demo test memory quick check snap bench fuzz deny new-connector

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## Install what is missing, build, and run the example on loopback
	tests/install.sh build
	cargo run --quiet --package portico-server -- demo

test: ## Install what is missing, then run every test: SQLite, PostgreSQL, browser
	tests/install.sh test
	cargo test --workspace --exclude portico-tests
	$(MEMORY)
	cargo test --package portico-tests --test all
	cargo test --package portico-tests --test browser
	cargo test --package portico-tests --test identity_providers

memory: ## Look for bytes that the one page of C reads, writes or keeps and should not
	tests/install.sh test
	$(MEMORY)

quick: ## Run the fast tests alone, of which T=word picks some
	cargo test --workspace --exclude portico-tests --lib -- $(T)
	cargo test --package portico-tests --test all -- --skip postgres --skip conformance $(T)

check: ## Formatting, lints and documentation; a warning is an error
	tests/install.sh build
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps
	@if command -v cargo-deny >/dev/null; then $(DENY); \
	else echo "NOT CHECKED: licences, sources and bans; cargo-deny is not installed (make deny installs it)"; fi

bench: ## Measure speed and memory against the raw primitives; F="password rule" picks figures
	tests/install.sh build
	cargo build --profile measured --package portico-server --bin portico --package portico-tests --bench gateway
	cargo bench --profile measured --package portico-server --package portico-tests --bench gateway -- $(F)

fuzz: ## Look for documents that break a property, until one does: T=gate, judgement, query or metadata
	tests/install.sh fuzz
	fuzz/run.sh $(T)

snap: ## Review snapshots that changed: each is a changed contract
	@command -v cargo-insta >/dev/null || cargo install --locked cargo-insta
	cargo insta review --manifest-path server/Cargo.toml
	cargo insta review --manifest-path tests/Cargo.toml

deny: ## Licences, sources and bans of what we depend on
	@command -v cargo-deny >/dev/null || cargo install --locked cargo-deny
	$(DENY)

new-connector: ## Make the folder of a new connector, NAME=ldap, and register it (docs/CONNECTORS.md)
	@tests/new-connector.sh "$(NAME)"
