package cli

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"lsapi"
)

// addCompletionCommands adds cobra's completion commands, but an unknown shell is an
// error, and the script for bash needs no other package.
func addCompletionCommands(root *cobra.Command, p Process) {
	root.InitDefaultCompletionCmd()
	completion, _, err := root.Find([]string{"completion"})
	if err != nil {
		return // impossible: cobra has just added it
	}
	completion.Args = knownCommand
	completion.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
	completion.Example = "  source <(lsapi completion bash)"
	for _, shell := range completion.Commands() {
		shell.Example = "  lsapi completion " + shell.Name()
		if shell.Name() == "bash" {
			shell.Long = bashCompletionHelp
			shell.Example = "  source <(lsapi completion bash)"
			shell.RunE = func(c *cobra.Command, _ []string) error { return writeBashCompletion(p.Stdout, c) }
		}
	}
}

const bashCompletionHelp = `Print the completion script for bash 4 or later. It does not need the package
bash-completion.

For the current shell:

  source <(lsapi completion bash)

For every new shell:

  lsapi completion bash > ~/.lsapi-completion
  echo 'source ~/.lsapi-completion' >> ~/.bashrc`

// bashWords replaces _init_completion of the package bash-completion, which cobra's
// script calls. bash splits words at = and :, which URLs and flags contain. The function
// joins the parts that no blank separates.
const bashWords = `
__lsapi_init_completion()
{
    COMPREPLY=()
    words=() cword=0 cur="" prev=""
    local line=$COMP_LINE last="" blank word i end
    local -i n=-1
    for i in "${!COMP_WORDS[@]}"; do
        word=${COMP_WORDS[i]}
        blank=${line%%[![:space:]]*}
        line=${line#"$blank"}
        if (( n < 0 )) || [[ -n $blank || ! ( $word =~ ^[=:]+$ || $last =~ ^[=:]+$ ) ]]; then
            n+=1
            words[n]=""
        fi
        words[n]+=$word
        line=${line#"$word"}
        last=$word
        if (( i == COMP_CWORD )); then
            cword=$n
            cur=${words[n]}
            end=$(( ${#COMP_LINE} - ${#line} - COMP_POINT ))
            (( end > 0 && end <= ${#cur} )) && cur=${cur:0:${#cur}-end}
        fi
    done
    (( cword > 0 )) && prev=${words[cword-1]}
    return 0
}
`

// writeBashCompletion writes cobra's script with bashWords.
func writeBashCompletion(w io.Writer, c *cobra.Command) error {
	bare, err := c.Flags().GetBool("no-descriptions")
	if err != nil {
		return err
	}
	var script bytes.Buffer
	if err := c.Root().GenBashCompletionV2(&script, !bare); err != nil {
		return err
	}
	const begin, end = "__start_lsapi()\n", "if declare -F _init_completion >/dev/null 2>&1; then"
	text := script.String()
	if !strings.Contains(text, begin) || !strings.Contains(text, end) {
		return errors.New("cobra's bash script has an unexpected form")
	}
	text = strings.Replace(text, begin, bashWords[1:]+"\n"+begin, 1)
	text = strings.Replace(text, end, "if false; then", 1)
	_, err = io.WriteString(w, text)
	return err
}

// flagWords lists the values of the flags that have a fixed set, by command and flag.
var flagWords = map[string][]cobra.Completion{
	"elb list --health":      {string(lsapi.InService), string(lsapi.OutOfService), string(lsapi.HealthUnknown)},
	"elb history --action":   {string(lsapi.Attach), string(lsapi.Detach)},
	"elb history --outcome":  outcomeWords(),
	"changes list --action":  {string(lsapi.Attach), string(lsapi.Detach)},
	"changes list --outcome": outcomeWords(),

	"elb list --output":     listFormats,
	"elb show --output":     listFormats,
	"elb attach --output":   listFormats,
	"elb detach --output":   listFormats,
	"elb watch --output":    lineFormats,
	"elb history --output":  lineFormats,
	"changes list --output": lineFormats,
	"stress --output":       {"text", "json"},
	"stress --method":       {http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete},
	"doctor --output":       {"text", "json"},

	"serve --response-envelope": {"message", "none"},
	"serve --log-format":        {"text", "json"},
	"serve --log-level":         {"debug", "info", "warn", "error"},
	"serve --metrics-public":    {"true", "false"},
	"emulator --throttle":       {"aws", "off"},
}

// fileFlags are the flags that complete file names. All other flags do not.
var fileFlags = map[string]bool{
	"config": true, "password-file": true, "users-file": true, "env-file": true, "checkpoint": true, "html": true, "json": true, "fleet": true,
}

func outcomeWords() []cobra.Completion {
	words := make([]cobra.Completion, len(outcomes))
	for i, o := range outcomes {
		words[i] = string(o)
	}
	return words
}

// completeFlags registers the completion of the flags of all commands.
func completeFlags(root *cobra.Command) {
	eachCommand(root, func(c *cobra.Command) {
		c.Flags().VisitAll(func(f *pflag.Flag) { completeFlag(c, f) })
		c.PersistentFlags().VisitAll(func(f *pflag.Flag) { completeFlag(c, f) })
	})
}

func completeFlag(c *cobra.Command, f *pflag.Flag) {
	if _, registered := c.GetFlagCompletionFunc(f.Name); registered || f.NoOptDefVal != "" || fileFlags[f.Name] {
		return
	}
	_, path, _ := strings.Cut(c.CommandPath(), " ")
	words := flagWords[strings.TrimSpace(path+" --"+f.Name)]
	_ = c.RegisterFlagCompletionFunc(f.Name, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp)) // fails only for an unknown flag
}

// eachCommand visits a command and all its subcommands.
func eachCommand(c *cobra.Command, visit func(*cobra.Command)) {
	visit(c)
	for _, sub := range c.Commands() {
		eachCommand(sub, visit)
	}
}
