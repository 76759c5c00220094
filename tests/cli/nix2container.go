// Completes the description of an image as nix2container would: with the digest and size of each
// layer's archive, which is written, too. Go's own archive/tar and regexp make the archives.
//
//	go run nix2container.go ROOT DESCRIPTION COMPLETED DIRECTORY
//
// The store paths that DESCRIPTION names lie below ROOT; archives become DIRECTORY/0.tar and so on.
package main

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
	"time"
)

type permission struct {
	Regex string `json:"regex"`
	Mode  string `json:"mode"`
	Uid   int    `json:"uid"`
	Gid   int    `json:"gid"`
	Uname string `json:"uname"`
	Gname string `json:"gname"`
}

type options struct {
	Rewrite struct {
		Regex string `json:"regex"`
		Repl  string `json:"repl"`
	} `json:"rewrite"`
	Perms []permission `json:"perms,omitempty"`
}

type storePath struct {
	Path    string   `json:"path"`
	Options *options `json:"options,omitempty"`
}

type layer struct {
	Digest    string                 `json:"digest"`
	Size      int64                  `json:"size"`
	DiffIDs   string                 `json:"diff_ids"`
	Paths     []storePath            `json:"paths,omitempty"`
	MediaType string                 `json:"mediatype"`
	LayerPath string                 `json:"layer-path,omitempty"`
	History   map[string]interface{} `json:"History"`
}

type image struct {
	Version int             `json:"version"`
	Config  json.RawMessage `json:"image-config"`
	Layers  []layer         `json:"layers"`
	Arch    string          `json:"arch"`
	Created string          `json:"created"`
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// An entry of an archive: a file of the store, or a directory that is only implied.
type entry struct {
	source  string
	info    fs.FileInfo
	options *options
}

// The entries of a layer by their names in the archive.
func entries(root string, paths []storePath) map[string]entry {
	found := map[string]entry{}
	for _, path := range paths {
		options := path.Options
		check(filepath.Walk(root+path.Path, func(file string, info fs.FileInfo, err error) error {
			check(err)
			source := strings.TrimPrefix(file, root)
			name := source
			if options != nil && options.Rewrite.Regex != "" {
				name = regexp.MustCompile(options.Rewrite.Regex).ReplaceAllString(source, options.Rewrite.Repl)
			}
			if name != "" {
				found[filepath.Clean(name)] = entry{source, info, options}
			}
			return nil
		}))
	}
	names := []string{}
	for name := range found {
		names = append(names, name)
	}
	for _, name := range names {
		for parent := filepath.Dir(name); ; parent = filepath.Dir(parent) {
			if _, known := found[parent]; !known && parent != "." {
				found[parent] = entry{}
			}
			if parent == "/" || parent == "." {
				break
			}
		}
	}
	return found
}

func header(root string, name string, e entry) *tar.Header {
	h := &tar.Header{Typeflag: tar.TypeDir, Mode: 0755}
	if e.info != nil {
		link := ""
		if e.info.Mode()&fs.ModeSymlink != 0 {
			target, err := os.Readlink(root + e.source)
			check(err)
			link = target
		}
		made, err := tar.FileInfoHeader(e.info, link)
		check(err)
		h = made
		if link != "" {
			h.Mode = 0777
		}
	}
	h.Name, h.Uid, h.Gid, h.Uname, h.Gname = name, 0, 0, "root", "root"
	h.ModTime, h.AccessTime, h.ChangeTime = time.Unix(1, 0), time.Unix(0, 0), time.Unix(0, 0)
	if e.options == nil {
		return h
	}
	for _, p := range e.options.Perms {
		if !regexp.MustCompile(p.Regex).MatchString(e.source) {
			continue
		}
		h.Uid, h.Gid = p.Uid, p.Gid
		if p.Uname != "" {
			h.Uname = p.Uname
		}
		if p.Gname != "" {
			h.Gname = p.Gname
		}
		if p.Mode != "" {
			_, err := fmt.Sscanf(p.Mode, "%o", &h.Mode)
			check(err)
		}
	}
	return h
}

func archive(root string, paths []storePath, out io.Writer) {
	found := entries(root, paths)
	names := []string{}
	for name := range found {
		names = append(names, name)
	}
	// Depth first, each directory's names bytewise: a slash sorts before everything.
	key := func(name string) string { return strings.ReplaceAll(name, "/", "\x00") }
	sort.Slice(names, func(a, b int) bool { return key(names[a]) < key(names[b]) })
	w := tar.NewWriter(out)
	for _, name := range names {
		h := header(root, name, found[name])
		check(w.WriteHeader(h))
		if h.Typeflag == tar.TypeReg {
			file, err := os.Open(root + found[name].source)
			check(err)
			_, err = io.Copy(w, file)
			check(err)
			file.Close()
		}
	}
	check(w.Close())
}

func main() {
	root, description, completed, directory := os.Args[1], os.Args[2], os.Args[3], os.Args[4]
	text, err := os.ReadFile(description)
	check(err)
	made := image{Version: 1, Arch: "amd64", Created: "1970-01-01T00:00:01Z"}
	check(json.Unmarshal(text, &made))
	for i := range made.Layers {
		l := &made.Layers[i]
		file, err := os.Create(fmt.Sprintf("%s/%d.tar", directory, i))
		check(err)
		sum := sha256.New()
		archive(root, l.Paths, io.MultiWriter(file, sum))
		l.Size, err = file.Seek(0, io.SeekCurrent)
		check(err)
		check(file.Close())
		l.Digest = fmt.Sprintf("sha256:%x", sum.Sum(nil))
		l.DiffIDs, l.MediaType = l.Digest, "application/vnd.oci.image.layer.v1.tar"
		l.History = map[string]interface{}{"created_by": "nix2container"}
	}
	text, err = json.MarshalIndent(made, "", "\t")
	check(err)
	check(os.WriteFile(completed, text, 0644))
}
