package join

import (
	"errors"
	"strings"
	"testing"
)

const hash = "1a61c4507dbbb892c0d62c394e01cfd252b35b86247be2e83cef87b2ca28ac18"

func TestJoin(t *testing.T) {
	one := "plexus://" + hash + "/ip4/127.0.0.1/udp/1/quic-v1/p2p/12D3KooWHg8hG3uWAStfxevsyq5dCVRj56rfTRb8UWStHrBNo3QL"
	two := one + ",/ip4/127.0.0.1/udp/2/quic-v1/p2p/12D3KooWAwRfi1qVF7d5eUbthXhHaUDZYr2dXcwxtEKa1iuuD8Fr"
	anchored := strings.Replace(two, hash+"/", hash+"@812:"+hash+"/", 1)
	for _, s := range []string{one, two, anchored} {
		j, err := Parse(s)
		if err != nil || j.String() != s {
			t.Errorf("%s: %v, %s", s, err, j)
		}
	}
	for _, bad := range []string{"", "http://x", "plexus://", "plexus://" + hash, "plexus://" + hash[:60] + "/ip4/1/p2p/x",
		"plexus://" + strings.Repeat("z", 64) + "/ip4/127.0.0.1/p2p/x", "plexus://" + hash + "/ip4/127.0.0.1/udp/1/quic-v1", one + ",",
		strings.Replace(one, hash, hash+"@", 1), strings.Replace(one, hash, hash+"@0:"+hash, 1), strings.Replace(one, hash, hash+"@012:"+hash, 1),
		strings.Replace(one, hash, hash+"@12", 1), strings.Replace(one, hash, hash+"@12:"+hash[:62], 1), strings.Replace(one, hash, hash+"@x:"+hash, 1),
		strings.Replace(one, hash, hash+"@"+strings.Repeat("9", 30)+":"+hash, 1)} {
		if _, err := Parse(bad); !errors.Is(err, Err) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("plexus://" + hash + "@12:" + hash + "/ip4/127.0.0.1/udp/1/quic-v1/p2p/x,/ip4/1.2.3.4/tcp/1/p2p/y")
	f.Fuzz(func(t *testing.T, s string) {
		if j, err := Parse(s); err == nil {
			if again, err := Parse(j.String()); err != nil || again.String() != j.String() {
				t.Fatalf("%q: %v", s, err)
			}
		}
	})
}
