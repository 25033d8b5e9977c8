package command

import (
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/plexus-network/plexus/host/internal/config"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/subnets/dataset"
)

// checkKept says what the node may keep, and what it has.
func checkKept(cfg *config.Config) finding {
	size := func(dir string) (sum int64) {
		filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error { // what cannot be read counts nothing
			if err == nil && e.Type().IsRegular() {
				if info, err := e.Info(); err == nil {
					sum += info.Size()
				}
			}
			return nil
		})
		return sum
	}
	evidence, fetched := size(cfg.Path("evidence")), size(cfg.Path("datasets/fetched"))
	epochs := fmt.Sprintf("%d epochs", cfg.Evidence.Keep)
	if cfg.Evidence.Archive {
		epochs = "all epochs"
	}
	f := finding{"kept", fine, fmt.Sprintf("evidence of %s, %.1f MiB now; fetched data sets %.1f MiB of %s", epochs, mib(evidence), mib(fetched), quotaText(cfg.Datasets.Quota)), ""}
	if q := cfg.Datasets.Quota; q > 0 && fetched > q {
		f.Status, f.Advice = warning, "raise datasets.quota, or validate fewer subnets"
	}
	return f
}

func mib(n int64) float64 { return float64(n) / (1 << 20) }

func quotaText(n int64) string {
	if n == 0 {
		return "any size"
	}
	return fmt.Sprintf("%.0f MiB", mib(n))
}

// checkData looks whether the data of each subnet that the node validates is here,
// can be opened, and lasts.
func checkData(cfg *config.Config, v ledger.View) (out []finding) {
	var finder dataset.Finder
	for _, s := range cfg.Validated() {
		f := checkSubnetData(cfg, v, s, &finder)
		f.Check, f.Detail = "data", fmt.Sprintf("netuid %d: %s", s.NetUID, f.Detail)
		out = append(out, f)
	}
	return out
}

func checkSubnetData(cfg *config.Config, v ledger.View, s config.Subnet, finder *dataset.Finder) finding {
	sub, err := ledger.LoadSubnet(v, s.NetUID)
	if err != nil {
		return finding{Status: failed, Detail: err.Error()}
	}
	if sub == nil {
		return finding{Status: failed, Detail: "there is no such subnet", Advice: "take it out of validate and subnets; plexus subnet ls lists those that there are"}
	}
	if sub.Data.Slices == 0 {
		return finding{Status: fine, Detail: "it draws from no data"}
	}
	clock, err := ledger.LoadClock(v, s.NetUID)
	if err != nil || clock == nil {
		return finding{Status: failed, Detail: fmt.Sprintf("its clock: %v", err)}
	}
	set, where, err := findSet(cfg, s, sub.Data, finder)
	if set == nil {
		f := finding{Status: failed, Detail: err.Error(), Advice: "name its file with data, or in the entry of subnets"}
		if cfg.Datasets.Fetch {
			f.Status, f.Advice = warning, "the node will ask its peers; a set that is not public has to come from the subnet's owner"
		}
		return f
	}
	windows, left := sub.Data.Windows(clock.Epoch)
	detail := fmt.Sprintf("%d slices in %s", set.Len(), where)
	if windows > 0 {
		detail += fmt.Sprintf(", %d of %d windows left", left, windows)
	}
	switch x := set.Sealed(); {
	case windows > 0 && left == 0:
		return finding{Status: warning, Detail: detail, Advice: "no round is drawn until the subnet's owner names another set"}
	case x != nil && clock.Epoch >= sub.Data.From && !x.Has(clock.Epoch-sub.Data.From):
		return finding{Status: warning, Detail: detail + "; the key of the running one is not here", Advice: "with a permit the node asks its peers for it; plexus dataset share writes one by hand"}
	case windows > 0 && left <= cfg.Datasets.Warn:
		return finding{Status: warning, Detail: detail, Advice: "the subnet's owner should make another set"}
	}
	return finding{Status: fine, Detail: detail}
}

// findSet looks for a subnet's data where the node does, and opens what it can of a
// sealed one without a password.
func findSet(cfg *config.Config, s config.Subnet, named ledger.DataSet, finder *dataset.Finder) (*dataset.Set, string, error) {
	why := fmt.Errorf("its data set %x is not here", named.Root[:6])
	place := s.Data
	if place == "" {
		place = cfg.Data
	}
	for _, p := range []string{place, "datasets", "datasets/fetched"} {
		if p == "" {
			continue
		}
		set, err := finder.Find(cfg.Path(p), named)
		if err != nil {
			if p == place {
				why = err
			}
			continue
		}
		if x := set.Sealed(); x != nil {
			f := openFlags{node: nodeFlags{home: cfg.Home}}
			if err := f.unlock(filepath.Join(cfg.Path("datasets"), dataset.FileName(x.Root())), x); err != nil {
				return set, cfg.Path(p) + " (" + err.Error() + ")", nil
			}
		}
		return set, cfg.Path(p), nil
	}
	return nil, "", why
}
