package miners

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/plexus-network/plexus/examples/gallery"
	"github.com/plexus-network/plexus/ledger"
)

// Command is how to start a model: one of the gallery's, by name, is this program
// as `plexus engine NAME ARGUMENT...`; anything else is a program and its
// arguments.
func Command(words []string) ([]string, error) {
	for _, e := range gallery.Engines() {
		if len(words) > 0 && words[0] == e.Name {
			self, err := os.Executable()
			if err != nil {
				return nil, err
			}
			return append([]string{self, "engine"}, words...), nil
		}
	}
	return words, nil
}

// ParseService reads NETUID=ENGINE, where ENGINE is a model and its arguments
// with spaces between them.
func ParseService(text string) (s Service, err error) {
	number, rest, ok := strings.Cut(text, "=")
	n, err := strconv.ParseUint(number, 10, 16)
	words := strings.Fields(rest)
	if !ok || err != nil || n == 0 || len(words) == 0 {
		return s, fmt.Errorf("%q: want NETUID=ENGINE, such as 1=text-order0 or \"4=./model --fast\"", text)
	}
	return Service{NetUID: ledger.NetUID(n), Engine: words}, nil
}
