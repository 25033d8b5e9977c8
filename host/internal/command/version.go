package command

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// release is the version of a released binary, set when it is linked.
var release = "dev"

// versionInfo is what version prints as JSON.
type versionInfo struct {
	Version  string `json:"version"`
	Commit   string `json:"commit,omitempty"`
	Modified bool   `json:"modified"` // built from a tree with changes
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

func thisVersion() versionInfo {
	v := versionInfo{Version: release, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			switch s.Key {
			case "vcs.revision":
				v.Commit = s.Value
			case "vcs.modified":
				v.Modified = s.Value == "true"
			}
		}
	}
	return v
}

func versionCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use: "version", Short: "Print the version", Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			v := thisVersion()
			if asJSON {
				return printJSON(c, v)
			}
			text := "plexus " + v.Version
			if len(v.Commit) >= 12 {
				text += " commit " + v.Commit[:12]
			}
			if v.Modified {
				text += " with changes"
			}
			fmt.Fprintf(c.OutOrStdout(), "%s, %s, %s\n", text, v.Go, v.Platform)
			return nil
		},
	}
	jsonFlag(c, &asJSON, versionInfo{})
	return c
}
