package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"lsapi/internal/cli"
)

// completionFiles are the names under which each shell finds the completion of lsapi.
var completionFiles = map[string]string{"bash": "lsapi.bash", "zsh": "_lsapi", "fish": "lsapi.fish"}

// writeCompletions writes the output of `lsapi completion SHELL` for each shell.
func writeCompletions(folder string) error {
	for shell, name := range completionFiles {
		if err := writeCompletion(shell, filepath.Join(folder, name)); err != nil {
			return err
		}
	}
	return nil
}

func writeCompletion(shell, name string) (err error) {
	file, err := os.Create(name) //nolint:gosec // the caller names the folder
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	return completion(file, shell)
}

func completion(w io.Writer, shell string) error {
	status := cli.Run(cli.Process{Args: []string{"completion", shell}, Stdout: w, Stderr: os.Stderr})
	if status != cli.ExitOK {
		return fmt.Errorf("the completion for %s: exit status %d", shell, status)
	}
	return nil
}
