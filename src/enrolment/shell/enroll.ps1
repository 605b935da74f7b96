# Makes this Windows machine trust a container registry, and logs in. Says what it does; -Help shows what it can.
[CmdletBinding()]
param(
  [switch]$DryRun,
  [switch]$Undo,
  [switch]$Check,
  [ValidateSet('None', 'User', 'Machine')] [string]$Store = 'None',
  [string]$User = '',
  [switch]$NoLogin,
  [switch]$Help
)

# FACTS

Set-StrictMode -Version 2
$ErrorActionPreference = 'Stop'
$PSNativeCommandUseErrorActionPreference = $false
$state = @{ Failed = $false; Wrote = $false; NeedsDesktopRestart = $false; Notes = @(); Records = @() }

# ---- what is said

function Say([string]$Text) { Write-Host $Text }
function Warn([string]$Text) { Write-Host $Text -ForegroundColor Yellow; $state.Failed = $true }
# Said at the end: what has to be done by hand.
function Note([string]$Text) { $state.Notes += $Text }

function Show-Help {
  Say "enroll: makes this machine trust $Registry, and logs in."
  Say ''
  Say '  -DryRun          show every file that would be written, and write none'
  Say '  -Undo            take back all that it made or changed here'
  Say '  -Check           say what is wrong, and change nothing'
  Say '  -Store User      trust it in your own store of Windows (asks in a window)'
  Say '  -Store Machine   trust it for everybody on this machine (needs an elevated PowerShell)'
  Say '  -User NAME       log in as NAME'
  Say '  -NoLogin         write the files only'
}

# ---- the certificates

function Get-CaBytes { , [Text.Encoding]::ASCII.GetBytes($CaPem) }

function Get-CaCertificates {
  foreach ($match in [regex]::Matches($CaPem, '-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----')) {
    $raw = [Convert]::FromBase64String(($match.Groups[1].Value -replace '\s', ''))
    New-Object Security.Cryptography.X509Certificates.X509Certificate2 -ArgumentList (, $raw)
  }
}

# ---- writing files, and taking them back

# What was made or changed stands in a list, in order. It lies with the person who ran this, and undo reads it backwards.
$stateFolder = Join-Path $env:LOCALAPPDATA "dozo-enroll\$Name"
$listFile = Join-Path $stateFolder 'list.json'

function Set-WholeFile([string]$Path, [byte[]]$Bytes) {
  $new = "$Path.dozo-new"
  [IO.File]::WriteAllBytes($new, $Bytes)
  if ([IO.File]::Exists($Path)) { [IO.File]::Replace($new, $Path, [NullString]::Value) } else { [IO.File]::Move($new, $Path) }
}

function Test-Same([string]$Path, [byte[]]$Bytes) {
  if (-not [IO.File]::Exists($Path)) { return $false }
  [Convert]::ToBase64String([IO.File]::ReadAllBytes($Path)) -ceq [Convert]::ToBase64String($Bytes)
}

function Read-Records {
  if (-not [IO.File]::Exists($listFile)) { return }
  $list = ConvertFrom-Json ([IO.File]::ReadAllText($listFile))
  $state.Records = @($list)
}

function Save-Records {
  [void][IO.Directory]::CreateDirectory($stateFolder)
  Set-WholeFile $listFile ([Text.Encoding]::UTF8.GetBytes((ConvertTo-Json -InputObject @($state.Records) -Depth 3)))
}

function Add-Record([string]$Kind, [string]$Path, $Before, $Ours) {
  $state.Records = @($state.Records) + [pscustomobject]@{ Kind = $Kind; Path = $Path; Before = $Before; Ours = $Ours }
  Save-Records
}

function New-RecordedFolder([string]$Path) {
  if ([IO.Directory]::Exists($Path)) { return }
  New-RecordedFolder ([IO.Path]::GetDirectoryName($Path))
  Add-Record 'folder' $Path $null $null
  [void][IO.Directory]::CreateDirectory($Path)
}

function Write-CaFile([string]$Path, [string]$For) {
  $bytes = Get-CaBytes
  if (Test-Same $Path $bytes) { Say "there already  $Path ($For)"; return }
  $state.Wrote = $true
  if ($DryRun) {
    Say "would write    $Path ($For)"
    Say '                 the CA certificate'
    return
  }
  try {
    New-RecordedFolder ([IO.Path]::GetDirectoryName($Path))
    $before = $null
    if ([IO.File]::Exists($Path)) { $before = [Convert]::ToBase64String([IO.File]::ReadAllBytes($Path)) }
    $known = @($state.Records | Where-Object { $_.Kind -eq 'file' -and $_.Path -eq $Path })
    if ($known.Count -gt 0) { $known[0].Ours = [Convert]::ToBase64String($bytes); Save-Records }
    else { Add-Record 'file' $Path $before ([Convert]::ToBase64String($bytes)) }
    Set-WholeFile $Path $bytes
    Say "written        $Path ($For)"
  } catch [UnauthorizedAccessException] {
    Warn "not written    $Path ($For): that needs an elevated PowerShell (Run as administrator)"
  }
}

function Open-RootStore([string]$Location, [string]$Access) {
  $names = 'Security.Cryptography.X509Certificates'
  $opened = New-Object "$names.X509Store" -ArgumentList 'Root', $Location
  $opened.Open($Access)
  $opened
}

function Test-InStore([string]$Location) {
  $root = Open-RootStore $Location 'ReadOnly'
  try {
    foreach ($certificate in @(Get-CaCertificates)) {
      if ($root.Certificates.Find('FindByThumbprint', $certificate.Thumbprint, $false).Count -eq 0) { return $false }
    }
    return $true
  } finally { $root.Close() }
}

function Add-ToStore([string]$Location, [string]$For) {
  $where = "Cert:\$Location\Root"
  if (Test-InStore $Location) { Say "there already  $where ($For)"; return }
  $state.Wrote = $true
  if ($DryRun) { Say "would change   $where ($For)"; return }
  try {
    $root = Open-RootStore $Location 'ReadWrite'
    try {
      foreach ($certificate in @(Get-CaCertificates)) {
        if ($root.Certificates.Find('FindByThumbprint', $certificate.Thumbprint, $false).Count -gt 0) { continue }
        Add-Record 'store' $Location $null $certificate.Thumbprint
        $root.Add($certificate)
      }
    } finally { $root.Close() }
    Say "written        $where ($For)"
  } catch {
    $needs = 'Windows asks in a window, and the answer was no'
    if ($Location -eq 'LocalMachine') { $needs = 'that needs an elevated PowerShell (Run as administrator)' }
    Warn "not written    $where ($For): $needs"
  }
}

function Undo-Record($Record) {
  if ($Record.Kind -eq 'file') {
    if ([IO.File]::Exists($Record.Path)) {
      if (-not (Test-Same $Record.Path ([Convert]::FromBase64String($Record.Ours)))) {
        throw 'it was changed since'
      }
      if ($DryRun) { Say "would restore  $($Record.Path)"; return }
      if ($null -eq $Record.Before) { [IO.File]::Delete($Record.Path) }
      else { Set-WholeFile $Record.Path ([Convert]::FromBase64String($Record.Before)) }
      Say "taken back     $($Record.Path)"
    }
  } elseif ($Record.Kind -eq 'folder') {
    if ($DryRun -or -not [IO.Directory]::Exists($Record.Path)) { return }
    if (@([IO.Directory]::GetFileSystemEntries($Record.Path)).Count -eq 0) { [IO.Directory]::Delete($Record.Path) }
  } elseif ($Record.Kind -eq 'store') {
    if ($DryRun) { Say "would change   Cert:\$($Record.Path)\Root"; return }
    $root = Open-RootStore $Record.Path 'ReadWrite'
    try {
      foreach ($certificate in @($root.Certificates.Find('FindByThumbprint', $Record.Ours, $false))) { $root.Remove($certificate) }
    } finally { $root.Close() }
    Say "taken back     Cert:\$($Record.Path)\Root"
  } elseif ($Record.Kind -eq 'login') {
    if ($DryRun) { Say "would log out  docker"; return }
    Invoke-Quietly { docker logout $Registry } | Out-Null
    Say 'logged out     docker'
  }
}

function Undo-All {
  $kept = @()
  $records = @($state.Records)
  [array]::Reverse($records)
  foreach ($record in $records) {
    try { Undo-Record $record } catch {
      Warn "not taken back $($record.Path): $($_.Exception.Message)"
      $kept = @($record) + $kept
    }
  }
  if ($DryRun) { return }
  $state.Records = $kept
  if ($kept.Count -gt 0) { Save-Records; Warn "What could not be taken back is listed in $listFile." ; return }
  if ([IO.Directory]::Exists($stateFolder)) { [IO.Directory]::Delete($stateFolder, $true) }
  $parent = [IO.Path]::GetDirectoryName($stateFolder)
  if ([IO.Directory]::Exists($parent) -and @([IO.Directory]::GetFileSystemEntries($parent)).Count -eq 0) { [IO.Directory]::Delete($parent) }
}

# ---- what is here, and what it needs

function Test-Interactive { [Environment]::UserInteractive -and -not [Console]::IsInputRedirected }
function Test-Command([string]$Program) { $null -ne (Get-Command $Program -CommandType Application -ErrorAction SilentlyContinue) }
function Test-Engine { $null -ne (Get-Service -Name docker -ErrorAction SilentlyContinue) }
function Test-Desktop { Test-Path -LiteralPath (Join-Path $env:ProgramFiles 'Docker\Docker\Docker Desktop.exe') }

# Windows allows no colon in a folder's name, and Docker leaves it out.
function Get-EngineFiles {
  foreach ($spelling in $Spellings) { Join-Path $env:ProgramData "docker\certs.d\$($spelling -replace ':', '')\ca.crt" }
}

# Docker Desktop copies this folder as it is, so only a name without a colon can be meant by it.
function Get-DesktopFiles {
  foreach ($spelling in $Spellings) {
    if ($spelling -notmatch ':') { Join-Path $env:USERPROFILE ".docker\certs.d\$spelling\ca.crt" }
  }
}

function Get-StoreLocation {
  if ($Store -eq 'Machine') { return 'LocalMachine' }
  if ($Store -eq 'User') { return 'CurrentUser' }
  return ''
}

function Set-Trust {
  $location = Get-StoreLocation
  if (Test-Engine) { foreach ($file in @(Get-EngineFiles)) { Write-CaFile $file 'Docker Engine' } }
  $desktop = Test-Desktop
  $state.Wrote = $false
  if ($desktop) {
    foreach ($file in @(Get-DesktopFiles)) { Write-CaFile $file 'Docker Desktop' }
    $isTrusted = (Test-InStore 'CurrentUser') -or (Test-InStore 'LocalMachine')
    if (-not $isTrusted -and $location -eq '') { $location = Request-Store }
  }
  if ($location -ne '') { Add-ToStore $location 'Docker Desktop, helm, crane, browsers and all that ask Windows' }
  if ($desktop -and $state.Wrote) {
    $state.NeedsDesktopRestart = $true
    Note 'Restart Docker Desktop, then log in: docker desktop restart'
  }
  if (-not $desktop -and -not (Test-Engine) -and $location -eq '') {
    Note 'No Docker was found. With -Store User behind the line, Windows and all that ask it will trust the registry.'
  }
}

# Whom all of Windows trusts is decided by the person, never by a script.
function Request-Store {
  $what = "Docker Desktop trusts what Windows trusts. The CA of $Registry would be added to your own trusted roots"
  if ($DryRun -or -not (Test-Interactive)) {
    Note "$what with -Store User behind the line."
    return ''
  }
  if ((Read-Host "$what. Add it? [y/N]") -match '^(y|yes)$') { return 'CurrentUser' }
  Note 'Docker Desktop does not trust the registry. Again, with the question answered: -Store User behind the line.'
  return ''
}

# ---- the login, and a pull to see that it works

# Programs write their progress where errors go, which is no error.
function Invoke-Quietly([scriptblock]$Block) {
  $ErrorActionPreference = 'Continue'
  (& $Block 2>&1 | Out-String).Trim()
}

function Test-LoggedIn {
  $folder = $env:DOCKER_CONFIG
  if (-not $folder) { $folder = Join-Path $env:USERPROFILE '.docker' }
  $file = Join-Path $folder 'config.json'
  [IO.File]::Exists($file) -and [IO.File]::ReadAllText($file).Contains("`"$Registry`"")
}

function Connect-Registry {
  if (-not (Test-Command 'docker')) { return }
  $who = ''
  if ($User -ne '') { $who = "-u $User " }
  $line = "docker login $who$Registry"
  if ($state.NeedsDesktopRestart) { return }
  if ($DryRun) { Say "would run      $line"; return }
  if (Test-LoggedIn) { Say 'logged in      docker (already)'; Test-Pull; return }
  if (-not (Test-Interactive)) { Note "Log in: $line"; return }
  if ($User -eq '') { $User = Read-Host "User of $Registry" }
  docker login -u $User $Registry
  if ($LASTEXITCODE -ne 0) { Warn "not logged in  docker. Try again: $line"; return }
  Add-Record 'login' 'docker' $null $null
  Say "logged in      docker, as $User"
  Test-Pull
}

# A name that nobody has pushed: the registry says so to somebody whom it let in, over a connection that was trusted.
function Test-Pull {
  $said = Invoke-Quietly { docker pull "$Registry/dozo-enroll/no-such-image:none" }
  if ($said -match 'manifest unknown|not found|name unknown|does not exist' -and $said -notmatch 'x509|unauthorized|no basic auth') {
    Say 'pulls work     docker (the registry answered that it has no such image, as it should)'
  } else {
    Say $said
    Warn "no pull        docker cannot pull from $Registry"
  }
}

# ---- finding what is wrong

function Show-Finding([string]$What, [string]$Why, [string]$Fix) {
  $state.Failed = $true
  Say "wrong: $What"
  Say "  why: $Why"
  Say "  fix: $Fix"
}

function Find-Faults {
  $again = 'run the line from dozo enroll again'
  if (-not (Test-Registry)) { return }
  if ($CaPem -ne '') {
    if (Test-Engine) { foreach ($file in @(Get-EngineFiles)) { Find-FileFault $file $again } }
    if (Test-Desktop) {
      if (-not (Test-InStore 'CurrentUser') -and -not (Test-InStore 'LocalMachine')) {
        Show-Finding "Windows does not trust the CA of $Registry." 'Docker Desktop takes over whom Windows trusts when it starts.' "$again, with -Store User behind it, then: docker desktop restart"
      }
    }
  }
  if ((Test-Command 'docker') -and -not (Test-LoggedIn)) {
    Show-Finding "The client has no login for $Registry." "Logins are kept under the registry's exact spelling, and for each user of the machine." "docker login $Registry"
  }
}

function Find-FileFault([string]$Path, [string]$Again) {
  if (Test-Same $Path (Get-CaBytes)) { return }
  if ([IO.File]::Exists($Path)) {
    Show-Finding "$Path holds another certificate." 'Docker trusts the certificates in this folder for this registry.' $Again
    return
  }
  $folder = [IO.Path]::GetDirectoryName($Path)
  $others = @()
  if ([IO.Directory]::Exists($folder)) { $others = @([IO.Directory]::GetFiles($folder)) }
  $why = 'Docker reads a folder for each registry, named as the registry is, without the colon.'
  if ($others.Count -gt 0) { $why = "Docker takes files for a CA only when they end with .crt; there is: $($others -join ', ')." }
  Show-Finding "$Path is missing." $why $Again
}

# Whether the registry answers, under its name, in time, and with its own key.
function Test-Registry {
  try { [void][Net.Dns]::GetHostAddresses($HostName) } catch {
    Show-Finding "The name $HostName is not known here." 'No server of names that this machine asks has it.' "add it to your DNS, or a line to $env:SystemRoot\System32\drivers\etc\hosts"
    return $false
  }
  $connection = New-Object Net.Sockets.TcpClient
  try {
    if (-not $connection.ConnectAsync($HostName, $Port).Wait(5000)) { throw 'no answer' }
    $seen = @{ Errors = [Net.Security.SslPolicyErrors]::None }
    $judge = { param($from, $certificate, $chain, $errors) $seen.Errors = $errors; $true }.GetNewClosure()
    $stream = New-Object Net.Security.SslStream -ArgumentList ($connection.GetStream()), $false, $judge
    $stream.AuthenticateAsClient($HostName, $null, [Security.Authentication.SslProtocols]::Tls12, $false)
    Find-CertificateFault (New-Object Security.Cryptography.X509Certificates.X509Certificate2 -ArgumentList $stream.RemoteCertificate) $seen.Errors
    return $true
  } catch {
    Show-Finding "$HostName does not answer with TLS at port $Port." ($_.Exception.GetBaseException().Message) 'dozo status on the server says whether it runs; a firewall may be between'
    return $false
  } finally { $connection.Close() }
}

function Find-CertificateFault($Certificate, $Errors) {
  $now = [DateTime]::Now
  if ($now -lt $Certificate.NotBefore -or $now -gt $Certificate.NotAfter) {
    Show-Finding "The certificate holds from $($Certificate.NotBefore) to $($Certificate.NotAfter), and here it is $now." 'One of the two clocks is wrong, or the certificate was not renewed.' 'w32tm /resync here; dozo cert show on the server'
  }
  if ($Errors -band [Net.Security.SslPolicyErrors]::RemoteCertificateNameMismatch) {
    Show-Finding "The certificate is not for $HostName." 'A client accepts a certificate only for the name or address by which it called the server.' "on the server: dozo cert add-name $HostName"
  }
  if ($KeyPin -ne '' -and (Get-Pin $Certificate) -cne $KeyPin) {
    Show-Finding "Another key answers than that of $Registry." "Issued by: $($Certificate.Issuer). Something is between this machine and the registry, or the registry was made anew." 'ask who runs the registry for a new line from dozo enroll'
  }
}

# SHA-256 of the SubjectPublicKeyInfo (RFC 7469 section 2.4) of an ECDSA key on P-256, the only kind that dozo makes.
function Get-Pin($Certificate) {
  $info = [byte[]]([Convert]::FromBase64String($SpkiHead) + $Certificate.GetPublicKey())
  [Convert]::ToBase64String([Security.Cryptography.SHA256]::Create().ComputeHash($info))
}

# ---- from here it runs

function Invoke-Main {
  if ($env:OS -ne 'Windows_NT') { Warn 'This script is for Windows. Elsewhere: the other line from dozo enroll.'; return }
  if ($Help) { Show-Help; return }
  Read-Records
  if ($Undo) { Undo-All; return }
  if ($Check) {
    Find-Faults
    if (-not $state.Failed) { Say "nothing is wrong with $Registry here" }
    return
  }
  if ($CaPem -ne '') { Set-Trust }
  if (-not $NoLogin) { Connect-Registry }
  foreach ($text in $state.Notes) { Say $text }
  if (-not $state.Failed -and -not $DryRun) { Say "To take it all back, run the same line with -Undo behind it." }
}

try { Invoke-Main } catch { Warn "enroll: $($_.Exception.Message)" }
# A pasted line must not close the window that it was pasted into.
if ($PSCommandPath) { if ($state.Failed) { exit 1 } else { exit 0 } }
$global:LASTEXITCODE = 0
if ($state.Failed) { $global:LASTEXITCODE = 1 }
